"""Breaks of rhythm in sentences, tables and JSON, from `iceberg.cohort.rhythm.counts.RhythmCounts` alone."""
