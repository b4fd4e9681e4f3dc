"""Owns the joining of several tables to one company: how ids relate, subscriptions are folded and departures are found."""
