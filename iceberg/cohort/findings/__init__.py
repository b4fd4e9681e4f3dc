"""What counting found, or the user said, beside the numbers."""
