"""Companies whose reality breaks an assumption of the model, from a generator of its own, and how the estimate fares on them."""
