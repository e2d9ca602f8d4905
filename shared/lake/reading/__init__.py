"""Reading tables into data frames: rows of a snapshot, and what changed between two.

The only part of the lake that uses polars, so nothing that commits imports it.
"""
