"""The whole platform on one machine from Python packages only: broker, storage, catalog, services."""
