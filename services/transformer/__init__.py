"""transformer: derived tables build themselves from what was committed to the tables they read.

Reads ``lakehouse.commits``, ``lakehouse.build-requests``, ``lakehouse.commands``,
``lakehouse.tables``, and every table that a derived one is built from. Writes the derived tables,
``lakehouse.build-requests``, ``lakehouse.builds``, ``lakehouse.commits``, ``lakehouse.tables``.
Owns the snapshots of derived tables. Scales by targets: a target is built by the worker that has
the partition of its requests, in processes of a Ray of its own or of a cluster. Two builders of one
table are harmless: a commit counts only on the state that it was computed from.
"""
