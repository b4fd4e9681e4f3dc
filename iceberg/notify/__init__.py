"""Owns the messages about a published version: what they say, when they are due, to which targets they go, and that none goes twice."""
