"""Processes that build: a pool of Ray actors, on a Ray of our own or on a cluster."""
