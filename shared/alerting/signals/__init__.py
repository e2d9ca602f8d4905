"""Sources of signals that follow from events: what is so, and since when, one idea a file.

Each takes in the events of some topics, which may be repeated and may begin anywhere, and gives
the vectors of its signals at any moment. All are pure and bounded: they hold no more than the
tables, targets and partitions that there are. A table that is gone has no series.
"""
