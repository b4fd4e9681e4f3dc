"""Headers become fields: what is proposed, what is asked, and the mapping that is kept."""
