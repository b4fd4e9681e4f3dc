"""What can be typed after the program's name: commands, options, their values and how they depend on each other."""
