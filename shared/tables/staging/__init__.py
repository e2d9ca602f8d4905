"""Staging: one row per business object, its latest version, typed, identifiers as tokens."""
