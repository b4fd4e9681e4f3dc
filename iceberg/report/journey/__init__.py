"""Words, tables and document of silent churn by step of the journey and of complainants by channel; counts of one to four are never shown."""
