"""Scale: from file to counts at any number of customers."""
