"""Owns the steps of the upload page: files, reading, columns, joins, checks."""
