"""Words, table and document of what customers declared beside what they did; counts of one to four customers are never shown."""
