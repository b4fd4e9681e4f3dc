"""Survival curves, net survival and the excess risk of leaving after a complaint."""
