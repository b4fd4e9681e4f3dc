"""Companies whose truth is known: the worlds they live in, their history, and the sample that ships with the product."""
