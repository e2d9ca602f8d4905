"""Benchmarks of a checkout: ``bergline bench`` lists them, ``bergline bench NAME`` runs one.

Wherever it can be done, a peer does the same work on the same machine in the same run, and cost
is counted in CPU-seconds: the ratio of the two stays when the machine, or its load, is another.
"""
