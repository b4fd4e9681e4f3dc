"""The `rhythm` command: who broke with their habit, as counts on the terminal and, on demand, as a private list of this machine."""
