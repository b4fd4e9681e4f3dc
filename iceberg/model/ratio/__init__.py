"""The silent ratio: priors, what was measured, and the posterior per category."""
