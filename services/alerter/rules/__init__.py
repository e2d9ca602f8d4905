"""Rules and routes in force, from the platform and the project, read again when they change."""
