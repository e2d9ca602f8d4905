"""stream_writer: topics become landing tables.

Reads the vendor topics, ``dlq.ingestion-errors``, ``dlq.handled``, ``lakehouse.tables``,
``lakehouse.commands``. Writes the ``raw.*`` tables, ``metadata.dead_letters`` and
``metadata.dead_letters_handled``, ``lakehouse.commits``, ``lakehouse.tables``,
``dlq.ingestion-errors``. Owns the snapshots of those tables and their
thinning. Scales by partitions: any number of workers, several may share one table; the table
itself decides what is new, so a worker can never duplicate or lose a row.
"""
