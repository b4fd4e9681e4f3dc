"""Good moments of customers, beside who left: counts of customers followed from a moment on, and never a customer."""
