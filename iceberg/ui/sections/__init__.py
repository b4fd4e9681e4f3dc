"""Owns the sections that several pages share, or that a long page is made of."""
