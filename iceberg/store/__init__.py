"""Publishes studies and reads them again: counts, assumptions, estimate and where they came from; never a customer."""
