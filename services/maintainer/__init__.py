"""maintainer: tables stay small and quick by themselves.

Reads ``lakehouse.tables``, ``lakehouse.commands``, ``lakehouse.maintenance-requests``,
``lakehouse.maintenance`` and the metadata and files of every table. Writes ``replace`` snapshots
of any table, ``lakehouse.maintenance-requests`` and ``lakehouse.maintenance``; deletes files that
no snapshot names any more. Owns no rows. Scales by tables: a table is maintained by the worker
that has the partition of its requests. Two maintainers of one table are harmless: a commit counts
only on the state that it was computed from.
"""
