"""A durable single-node Kafka-protocol broker in asyncio, for laptops and tests.

It speaks enough of the protocol for aiokafka, confluent-kafka (librdkafka), franz-go and Kafka's
command line tools, and keeps one promise above all: what is acknowledged is on the disk. It is
not for production: one node, no replication, no TLS; put a real Kafka or Redpanda there.

    python -m deploy.embedded.broker --data-dir DIR --port 9092 --admin-port 9644

How to read it: ``record_batch`` and ``segment``, ``sparse_index``, ``segment_read`` (bytes on the
disk) → ``flusher``, ``group_commit``, ``partition_log``, ``producers`` (durability, idempotence) →
``members``, ``groups``, ``coordinator``, ``offsets`` (groups) → ``topics``, ``topic_configs`` →
``wire``, ``schema``, ``apis``, ``handlers``, ``connection`` (protocol) → ``housekeeping``,
``retention``, ``compaction`` → ``server``, ``admin_http``, ``metrics``, ``__main__`` (process).

Guarantees
    - acks=1 and acks=all are answered after fdatasync (group commit, one per file and tick); a
      failed write is answered with KAFKA_STORAGE_ERROR and taken back. Consumers see only what is
      durable. Committed offsets, topics and settings are durable before they are acknowledged.
    - After a crash the last segment is cut after its last whole, checksummed batch. Damage in an
      older segment stops the start: it is never skipped silently.
    - Idempotent producers: the last five batches per producer and partition are known, across
      restarts too.
    - Everything that grows has a bound (see ``--help``); a client that breaks the protocol loses
      its connection, and nothing else happens.

Differences from Apache Kafka are all in ``limits``, which the contract suite holds to be true.
"""
