"""What good moments did to departures, where that can be distinguished from engagement; beside the estimate, and never in it."""
