"""What alerting costs, and how soon it tells."""
