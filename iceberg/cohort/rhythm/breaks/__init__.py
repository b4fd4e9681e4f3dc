"""The change point of one rhythm in closed form, the numbers it works on, and what a log says about rhythms in general."""
