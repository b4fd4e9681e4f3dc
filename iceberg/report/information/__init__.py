"""Words and documents of what to find out first: the studies, and the questions to send."""
