"""Words, table and document of good moments; counts of one to four customers are never shown."""
