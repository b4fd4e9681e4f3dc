"""Draws the customer's journey as a coastline."""
