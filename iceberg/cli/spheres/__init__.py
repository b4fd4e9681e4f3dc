"""The sheet of the four spheres: written empty by the command `spheres`, read beside an estimate, and said in a terminal."""
