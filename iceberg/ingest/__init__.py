"""Owns the way from files to tables that can be trusted: kept + rejected = read, always."""
