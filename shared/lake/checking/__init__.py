"""Is a table what it says? Files, totals, deletes, origin, keys: looked at, never changed.

Every check is told of with what it looked at, so that "nothing found" says how much was seen.
"""
