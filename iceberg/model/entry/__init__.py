"""Owns the month of entry as a cause: customers won in some months leave more, and complain more, whatever happens to them."""
