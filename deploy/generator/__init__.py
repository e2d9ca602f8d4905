"""The vendors' side: seeded shops, accounts, portals and audiences that send what vendors send.

Everything up to signed bytes is pure: a seed gives the same bytes on every machine, and a run has
an id space of its own. What is made can be written to files, posted, or drive the demonstration.
"""
