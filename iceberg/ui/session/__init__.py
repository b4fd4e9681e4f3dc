"""Owns what a session remembers: its study, the reader's choices, and the caches of estimates and charts."""
