"""Sections of a mapping that belong to no table: the window, money, and the journey."""
