"""The slide deck and its native charts."""
