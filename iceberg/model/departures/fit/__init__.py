"""The joint Poisson excess-hazard model and its numerical fit."""
