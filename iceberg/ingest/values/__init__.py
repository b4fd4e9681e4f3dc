"""Recognises and parses the values of a column: dates, numbers, flags and free text."""
