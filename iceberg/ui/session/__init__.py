"""What a session holds: the study, its choices, its estimates and their caches."""
