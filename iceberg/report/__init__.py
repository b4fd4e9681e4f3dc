"""Owns what leaves the model for a reader: tidy tables, sentences and charts. It sees estimates and counts, never a customer."""
