"""Where one event is: on its topic, in its landing table, in derived tables."""
