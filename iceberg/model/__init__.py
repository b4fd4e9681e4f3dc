"""The statistics: counts and assumptions in, an estimate out. No files, no clock, no unseeded randomness, no customer."""
