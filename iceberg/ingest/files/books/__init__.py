"""Workbooks and HTML tables, read in a separate process whose memory and time are bounded."""
