"""Owns text files: their encoding, delimiter and header, malformed lines, and the line of each record."""
