"""Rows are read, judged by the rules on their own and across rows, and accounted for."""
