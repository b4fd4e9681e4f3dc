"""Owns the pages of the dashboard, one file each, so that each can be tested on its own."""
