"""Owns workbooks, read in a child process within bounds on memory and time, and HTML tables."""
