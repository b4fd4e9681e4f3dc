"""From an activity log to breaks of rhythm: who stopped, faded or comes far less than their own habit. Counts leave this folder, rows do not."""
