"""The demonstration: webhooks posted to a fresh platform, and the ledger that checks us.

What is posted comes from :mod:`deploy.generator`; what became of each delivery is counted here by
SQL over the tables.
"""
