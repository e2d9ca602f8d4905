"""What alerter knows of the platform that tables stand on: what it reads, and what it asks."""

from __future__ import annotations

from shared.runtime.metrics.declared.signal import counter, gauge
from shared.runtime.metrics.metric import Metric

DECLARED: tuple[Metric, ...] = (
    counter(
        "lakehouse_dead_letters_seen_total",
        "dead letters",
        ("topic",),
        "Dead letters announced since this alerter follows them, by the topic of the record; of "
        "the time since it ran before, a day at most, the quarter of an hour with the most.",
    ),
    gauge(
        "lakehouse_spool_seconds_since_used",
        "seconds",
        ("ingest_instance",),
        "Since an ingest instance last told that it keeps records in its spool; 0 while it does, "
        "no series a day after.",
    ),
    gauge(
        "lakehouse_partition_halted",
        "0 or 1",
        ("topic", "partition", "reason"),
        "1 while a partition of a topic is not consumed; the reason says why.",
    ),
    gauge(
        "lakehouse_consumer_lag_records",
        "records",
        ("group", "topic"),
        "Records behind the committed offsets of a group, summed over the partitions of a topic.",
    ),
    gauge(
        "lakehouse_consumer_group_members",
        "members",
        ("group",),
        "Members of a group of the platform's services; 0 when the group is gone.",
    ),
    gauge(
        "lakehouse_probe_up",
        "0 or 1",
        ("target",),
        "1 while catalog, object_store or broker answer as they should, when last asked.",
    ),
    gauge(
        "lakehouse_probe_duration_seconds",
        "seconds",
        ("target",),
        "How long the last answer took, or was waited for.",
    ),
    gauge(
        "lakehouse_storage_free_ratio",
        "ratio",
        ("target",),
        "Free share of the object store's room; no series where it cannot be told.",
    ),
    gauge(
        "lakehouse_storage_free_bytes",
        "bytes",
        ("target",),
        "Free room of the object store.",
    ),
    gauge(
        "lakehouse_storage_total_bytes",
        "bytes",
        ("target",),
        "Room of the object store, used and free.",
    ),
    gauge(
        "lakehouse_alerter_alive",
        "0 or 1",
        (),
        "1, always: whoever watches from outside learns from its absence that nobody watches here.",
    ),
)
