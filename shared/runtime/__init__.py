"""What every service runs on: settings, lifecycle, bus, health, metrics, logging, errors."""
