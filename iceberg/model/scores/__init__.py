"""What customers declared beside what they did: who said what before leaving, what a score knows of departures, and those who were not heard."""
