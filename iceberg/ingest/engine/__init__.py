"""The DuckDB connection, its memory limits and its private folder on disk."""
