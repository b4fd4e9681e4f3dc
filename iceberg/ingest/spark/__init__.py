"""The same tables on Apache Spark: session, engine, sources, loading, and faults as sentences."""
