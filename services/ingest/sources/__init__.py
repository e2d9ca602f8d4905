"""What each vendor's delivery means: topic, key, event id, type and time. Pure."""
