"""Text files: encoding, delimiter, headers, lines that are no records, and the way back from a record to its line."""
