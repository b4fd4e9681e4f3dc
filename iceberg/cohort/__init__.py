"""Owns the way from tables to counts: the only SQL of the estimate, and the boundary behind which no customer exists."""
