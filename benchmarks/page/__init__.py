"""What the server does while somebody looks at the dashboard."""
