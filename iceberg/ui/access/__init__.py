"""Who may see what: roles and signing in."""
