"""The parts of the upload page: files, columns, joins, checks."""
