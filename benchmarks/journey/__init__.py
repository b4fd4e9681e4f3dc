"""The journey, judged on simulated companies whose problems happen at known steps."""
