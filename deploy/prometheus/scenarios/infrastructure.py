"""What the platform stands on: catalog, store, broker, groups, spool, alerter."""

from __future__ import annotations

from deploy.prometheus.scenario import Firing, Quiet

INFRASTRUCTURE: tuple[Firing | Quiet, ...] = (
    Firing(
        "IcebergCatalogDown",
        {'lakehouse_probe_up{target="catalog"}': "1 0 0 0 1 1"},
        fires=2,
        clears=4,
        value=0,
        labels={"target": "catalog"},
    ),
    Firing(
        "MinIODown",
        {'lakehouse_probe_up{target="object_store"}': "1 0 0 0 1 1"},
        fires=2,
        clears=4,
        value=0,
        labels={"target": "object_store"},
    ),
    Firing(
        "RedpandaDown",
        {'lakehouse_probe_up{target="broker"}': "1 0 0 0 1 1"},
        fires=2,
        clears=4,
        value=0,
        labels={"target": "broker"},
    ),
    Quiet(
        "RedpandaDown",
        "one answer is missed",
        {'lakehouse_probe_up{target="broker"}': "1 0 1 0 1"},
        minutes=5,
    ),
    Firing(
        "KafkaConsumerLagHigh",
        {
            'lakehouse_consumer_lag_records{group="stream_writer", topic="shopify.orders"}': (
                "10000 10001+0x14 12000 10000 0"
            )
        },
        fires=11,
        clears=17,
        value=10001,
        last=12000,
        labels={"group": "stream_writer", "topic": "shopify.orders"},
    ),
    Firing(
        "ConsumerGroupGone",
        {'lakehouse_consumer_group_members{group="stream_writer"}': "2 0+0x9 1 1"},
        fires=6,
        clears=11,
        value=0,
        labels={"group": "stream_writer"},
    ),
    Firing(
        "ConsumptionStopped",
        {
            'lakehouse_partition_halted{topic="shopify.orders", partition="3", reason="bad_share"}'
            "": "_ 1 1 stale"
        },
        fires=1,
        clears=3,
        value=1,
        labels={"topic": "shopify.orders", "partition": "3", "reason": "bad_share"},
    ),
    Quiet(
        "ConsumptionStopped",
        "a replaced log has an alert of its own",
        {
            'lakehouse_partition_halted{topic="a", partition="3", reason="log_replaced"}': "1+0x9",
            'lakehouse_partition_halted{topic="a", partition="4", reason="log_truncated"}': "1+0x9",
        },
        minutes=9,
    ),
    Firing(
        "LogReplacedOrTruncated",
        {
            'lakehouse_partition_halted{topic="shopify.orders", partition="3", '
            'reason="log_replaced"}': "_ 1 1 0 0"
        },
        fires=1,
        clears=3,
        value=1,
        labels={"topic": "shopify.orders", "partition": "3", "reason": "log_replaced"},
    ),
    # Over five minutes after the last use.
    Firing(
        "SpoolInUse",
        {'lakehouse_spool_seconds_since_used{ingest_instance="ingest-0"}': "_ 0 0 0 60+60x9"},
        fires=2,
        clears=9,
        value=0,
        labels={"ingest_instance": "ingest-0"},
    ),
    Firing(
        "MinIOStorageAlmostFull",
        {'lakehouse_storage_free_ratio{target="object_store"}': "0.15 0.14+0x9 0.2 0.2"},
        fires=6,
        clears=11,
        value=0.14,
        labels={"target": "object_store"},
    ),
    Firing("AlerterAlive", {"lakehouse_alerter_alive": "1+0x9"}, fires=0, clears=None, value=1),
)
