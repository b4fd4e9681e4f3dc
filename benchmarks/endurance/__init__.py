"""What goes on for long or ends in the middle: many estimates in one process, and runs that are killed at random moments."""
