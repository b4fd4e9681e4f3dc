"""The page on which costs are written, and what follows from them."""
