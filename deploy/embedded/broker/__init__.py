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

Differences from Apache Kafka 4.3 (found by asking both the same 217 raw questions)
    - No transactions: InitProducerId with a transactional id is answered 35, transactional batches
      48, and the transaction APIs are not offered. No ACLs, quotas, log directories, static
      members, KIP-848 groups or share groups. No flexible versions: clients that ask with
      ApiVersions 3 are answered in version 0, as KIP-511 has it.
    - Topics are never created automatically.
    - Fetch sessions are not opened: session id 0, full fetches. The leader epoch is always 0.
    - Batches are validated by header and checksum, not record by record: a wrong record count in
      a compressed batch, or bytes that are not of the codec that they claim, are accepted. Topics
      with cleanup.policy=compact are the exception (a record without key is answered 87).
    - Produce without records (null) is answered 87; Kafka never answers. Produce 8 explains the
      error of a batch, but does not name records.
    - segment.bytes is 128 MiB by default instead of 1 GiB. Topic settings beyond ``LogConfig``
      are kept and reported, without effect. Settings of the broker cannot be altered.
    - Groups keep their offsets over a restart, not their members: these get 25 and join again.
      Generations then start again at 1. A rebalance never waits for late first members
      (group.initial.rebalance.delay.ms is 0).
    - A topic deleted and made again answers OFFSET_OUT_OF_RANGE at once for old positions, where
      Kafka may answer NOT_LEADER_OR_FOLLOWER for a moment.
    - Compaction drops a batch that has no live record, also if it was a producer's last.
"""
