"""Counts complainants by the step of the journey and by the channel of their cases; no estimate depends on them."""
