"""Declared and lived, judged on simulated companies whose customers' satisfaction is known."""
