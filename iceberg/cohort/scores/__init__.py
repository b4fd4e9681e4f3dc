"""What customers declared in satisfaction surveys, beside who left: counts of scores in time, and never a customer."""
