"""Probes: is what the platform stands on there, and does it answer as it should?

Each asks one thing again and again in a task of its own, with the credentials that clients use.
One answer that is not as it should be is "down"; for how long it must be down is a rule's business.
"""
