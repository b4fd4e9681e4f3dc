"""The rules a row must satisfy, and the SELECT statement that applies them."""
