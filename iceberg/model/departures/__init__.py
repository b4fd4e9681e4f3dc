"""What the company's own departures say: reconciliation with the ratio, placebo and forecast."""
