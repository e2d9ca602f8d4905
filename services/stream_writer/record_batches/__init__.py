"""From record batches as the broker sends them to columns, without an object per record.

Kafka's message format 2 (KIP-98; ``kafka.apache.org/documentation/#recordbatch``). ``record_set``
reads the headers of the batches of one fetch, ``record`` one record, strictly; ``bulk`` reads all
records of many fetches at once, in Arrow, as far as they are laid out alike, and leaves the others
to ``record``. ``record_columns`` is what comes out, and how a client's own record objects become
the same. ``cursor`` holds the arithmetic.
"""
