"""The sheet of promises, targets, priorities and beliefs on simulated companies."""
