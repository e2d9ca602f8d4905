"""Marts: what dashboards read."""
