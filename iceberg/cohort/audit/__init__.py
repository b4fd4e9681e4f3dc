"""The audit of how complaints were answered: cases drawn, sheets read back, and what tickets show beside them."""
