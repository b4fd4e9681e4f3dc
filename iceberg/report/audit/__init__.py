"""How complaints were answered, in words, tables and plain values."""
