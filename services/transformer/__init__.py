"""transformer: derived tables build themselves from what was committed to the tables they read."""
