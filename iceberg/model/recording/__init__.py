"""Changes of what is recorded, not of what happens: steps of the complaint rates, and names that stop where others start."""
