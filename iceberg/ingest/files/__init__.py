"""Bytes become cells: sources are listed, their format is detected, and each file is opened as one table of text."""
