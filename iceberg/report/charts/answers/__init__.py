"""Charts of how complaints were answered: in time or late, and how raters scored the answers."""
