"""The version of this product, written down once; ``pyproject.toml`` says the same and a test compares them."""

__version__ = "0.1.0"
