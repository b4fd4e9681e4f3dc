"""Commands and parts of commands that act on a decision: fixes that are followed up, and lists of people to call."""
