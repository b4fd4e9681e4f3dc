"""Good moments, judged on simulated companies in which their effect, and the engagement of those who have them, are known."""
