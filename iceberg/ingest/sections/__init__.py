"""Sections of a mapping that belong to no table: the window, money, prices of studies, and the journey."""
