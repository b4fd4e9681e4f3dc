"""Pictures of breaks of rhythm: the pulse of a company, and the average trace around a break."""
