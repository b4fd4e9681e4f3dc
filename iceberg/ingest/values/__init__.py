"""How a date, a number, a flag and a free text are recognised in a cell and parsed."""
