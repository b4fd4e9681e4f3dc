"""The command line: the options, a module per command, and the text that they print."""
