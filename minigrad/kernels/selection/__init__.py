"""Elements chosen by rank."""
