"""What the documentation generates and what it says by hand, compared with the code."""
