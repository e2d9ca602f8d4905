"""The lake: catalog, the one commit function, positions, thinning of snapshots.

The only package that writes to Iceberg tables. No other module calls append, overwrite, delete
or a transaction.
"""
