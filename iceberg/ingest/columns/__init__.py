"""Owns the columns of a table: which header feeds which field, and what the analyst has to decide."""
