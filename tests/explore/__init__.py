"""The commit protocol, explored: seeded schedules of faults drive the real code.

Whole workers run (their settling, buffering, committing and announcing coroutines, and the one
commit function) on an event loop whose time is stepped by hand, against a catalog, logs and a
group that live in memory. A schedule is a list of steps made from a seed; after it all faults end,
and the table has to be exactly what the logs held.

``python -m tests.explore --help`` runs any number of schedules; ``test_explore.py`` a few of them,
the kept seeds, and the planted faults of ``mutants.py``.
"""
