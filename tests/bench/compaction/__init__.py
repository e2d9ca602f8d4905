"""Compaction beside Spark and others.

One partition of ``raw.shopify_orders`` with many small files, made anew for every contestant and
round, is compacted in the same storage behind the same catalog. :mod:`~.side_by_side` says more.
"""
