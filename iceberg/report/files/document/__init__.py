"""The written report: executive summary, method section, and its PDF and HTML forms."""
