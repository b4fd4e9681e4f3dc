"""Owns who may see what: the reach of the server, roles, and signing in."""
