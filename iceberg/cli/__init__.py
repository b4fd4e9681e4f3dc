"""The command line: options, one module per command, and what is printed."""
