"""Helps a reader find the way: the glossary, the tour of the first visit, the switch of themes, and copying to the clipboard."""
