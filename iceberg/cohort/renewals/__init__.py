"""Contracts that customers can leave only near a renewal: the clock they put into the counts, and how it is found."""
