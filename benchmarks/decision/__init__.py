"""Whether a fix pays as often as it is said to."""
