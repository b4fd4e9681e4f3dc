"""The same tables on Apache Spark: session, sources, loading, and faults in words."""
