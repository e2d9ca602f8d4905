"""The whole platform on one machine, from Python packages only."""
