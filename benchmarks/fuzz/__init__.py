"""Owns the fuzzing of the reader: files broken at random, and what must hold whatever they hold."""
