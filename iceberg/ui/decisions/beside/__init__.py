"""What files say that no estimate depends on: scores of customers, and their good moments."""
