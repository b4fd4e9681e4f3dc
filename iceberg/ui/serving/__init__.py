"""The server around the pages: start, first visit, static files."""
