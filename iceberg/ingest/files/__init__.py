"""Owns the reading of files: detects the format of each source and opens it as one table that DuckDB can query."""
