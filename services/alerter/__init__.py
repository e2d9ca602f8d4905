"""alerter: the platform tells what is wrong before anyone asks.

Reads ``lakehouse.commits``, ``lakehouse.tables``, ``lakehouse.builds``, ``lakehouse.maintenance``,
``lakehouse.spool``, ``lakehouse.partitions``, ``dlq.ingestion-errors``, ``lakehouse.alert-states``
and ``lakehouse.commands``; asks catalog, object store and broker how they are. Writes
``lakehouse.alerts`` and ``lakehouse.alert-states``, and tells receivers. Owns the states of alerts.
Scales by rules: a rule is evaluated by the worker that has the partition of its name.
"""
