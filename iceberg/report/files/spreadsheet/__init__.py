"""The workbook and the flat CSV file."""
