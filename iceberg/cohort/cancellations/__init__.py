"""Owns cancellations that were logged as complaints: how they are found, and what is recorded of those that were left out."""
