"""Owns the server around the pages: its start, the pages prepared in advance, its static files."""
