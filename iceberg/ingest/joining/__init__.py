"""Several tables become one company: how ids relate, subscriptions are folded and departures are found."""
