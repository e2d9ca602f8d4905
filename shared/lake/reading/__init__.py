"""Reading tables: the files of a snapshot, its rows as data frames, and what changed between two.

``live_files`` and ``bounded_cache`` know no data frames and serve the commit, too; the rest uses
polars and is imported by nothing that commits.
"""
