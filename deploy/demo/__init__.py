"""The demonstration: seeded vendors that post faithful webhooks, and the ledger that checks us.

The generator half is pure (``plan`` turns a seed into bytes); the other half posts those bytes to
a running platform and counts, by SQL over the tables, what became of each of them.
"""
