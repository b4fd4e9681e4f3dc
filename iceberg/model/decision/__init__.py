"""What an estimate is good for: how it stands against chance, and whether to fix, to measure first, or to watch."""
