"""Fifty executives at once."""
