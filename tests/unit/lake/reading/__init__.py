"""Specifications of reading tables."""
