"""What scored cases say: whether raters agree, and how each category was answered."""
