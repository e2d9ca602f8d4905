"""Each built-in rule fires and clears, and what must not raise it does not."""

from __future__ import annotations

from deploy.prometheus.scenario import Firing, Quiet

SALES = '{layer="marts", table="marts.sales"}'
ORDERS = '{layer="staging", table="staging.shopify_orders"}'
RAW = '{table="raw.shopify_orders"}'
_SALES = {"layer": "marts", "table": "marts.sales"}
_ORDERS = {"layer": "staging", "table": "staging.shopify_orders"}
_RAW = {"table": "raw.shopify_orders"}

PIPELINE_HEALTH: tuple[Firing | Quiet, ...] = (
    # The first value is a failure: no success came before.
    Firing(
        "PipelineFailure",
        {'lakehouse_target_failed{target="marts.sales"}': "1 1 0 0"},
        fires=0,
        clears=2,
        value=1,
        labels={"target": "marts.sales"},
    ),
    Firing(
        "BuildFailingRepeatedly",
        {'lakehouse_target_failures{target="marts.sales"}': "0 1 2 3 4 0 0"},
        fires=3,
        clears=5,
        value=3,
        last=4,
        labels={"target": "marts.sales"},
    ),
    Firing(
        "PipelineDurationHigh",
        {f"lakehouse_wave_age_seconds{RAW}": "0+60x17 0 0"},
        fires=16,
        clears=18,
        value=960,
        last=1020,
        labels=_RAW,
    ),
    Quiet(
        "PipelineDurationHigh",
        "waves of nine minutes, one after the other",
        {f"lakehouse_wave_age_seconds{RAW}": "0+60x9 0+60x9 0+60x9 0"},
        minutes=30,
    ),
    Firing(
        "PipelineStale",
        {f"lakehouse_table_staleness_seconds{SALES}": "21000+60x20 0 0"},
        fires=16,
        clears=21,
        value=21960,
        last=22200,
        labels=_SALES,
    ),
    Quiet(
        "PipelineStale",
        "a quiet night: nothing is unprocessed",
        {
            f"lakehouse_table_staleness_seconds{SALES}": "0+0x120",
            f"lakehouse_table_last_commit_timestamp_seconds{SALES}": "0+0x120",
        },
        minutes=120,
    ),
    Firing(
        "RawDataIngestionStopped",
        {
            f"lakehouse_landing_silence_seconds{RAW}": "0+60x40 0 0",
            f"lakehouse_landing_expected_silence_seconds{RAW}": "1800+0x42",
        },
        fires=32,
        clears=41,
        value=1920,
        last=2400,
        labels=_RAW,
    ),
    Quiet(
        "RawDataIngestionStopped",
        "a daily table between two exports, and one of which nothing is known yet",
        {
            'lakehouse_landing_silence_seconds{table="raw.ga4_events"}': "91800+60x30 0",
            'lakehouse_landing_expected_silence_seconds{table="raw.ga4_events"}': "93600+0x31",
            'lakehouse_landing_silence_seconds{table="raw.new"}': "91800+60x31",
        },
        minutes=31,
    ),
    Firing(
        "StagingDataStale",
        {f"lakehouse_table_staleness_seconds{ORDERS}": "0+60x20 0 0"},
        fires=17,
        clears=21,
        value=1020,
        last=1200,
        labels=_ORDERS,
    ),
    Quiet(
        "StagingDataStale",
        "a mart that is behind is no staging table",
        {f"lakehouse_table_staleness_seconds{SALES}": "0+60x60"},
        minutes=60,
    ),
    # Missed for 25 minutes after a hundred good ones. Slow from the seventh missed minute on, fast
    # from the ninth; ten minutes of `for`. Slow holds until the last half hour has less than two.
    Firing(
        "FreshnessObjectiveBurn",
        {f"lakehouse_table_objective_missed{SALES}": "0+0x99 1+0x24 0+0x40"},
        fires=117,
        clears=154,
        value=17 / 60,
        last=25 / 153,
        labels=_SALES,
        looks_back=True,
    ),
    Quiet(
        "FreshnessObjectiveBurn",
        "missed for four minutes of a hundred",
        {f"lakehouse_table_objective_missed{SALES}": "0+0x99 1+0x3 0+0x30"},
        minutes=130,
        looks_back=True,
    ),
    Quiet(
        "FreshnessObjectiveBurn",
        "late when everything is started, and not since",
        {f"lakehouse_table_objective_missed{SALES}": "1+0x3 0+0x60"},
        minutes=60,
        looks_back=True,
    ),
)

DATA_QUALITY: tuple[Firing | Quiet, ...] = (
    Firing(
        "EntityCoverageLow",
        {'entity_resolution_coverage_percent{source="stripe"}': "95 89.5+0x14 90 90"},
        fires=11,
        clears=16,
        value=89.5,
        labels={"source": "stripe"},
    ),
    Firing(
        "DuplicateEntityMappings",
        {"entity_resolution_duplicate_mappings": "0 2+0x9 0 0"},
        fires=6,
        clears=11,
        value=2,
    ),
    # 20 in a minute, extrapolated to the window; over when the window has left them behind.
    Firing(
        "DeadLettersRising",
        {'lakehouse_dead_letters_seen_total{topic="shopify.orders"}': "1000+0x30 1020+0x30"},
        fires=32,
        clears=46,
        value=20 * 15 / 14,
        labels={"topic": "shopify.orders"},
        looks_back=True,
    ),
    Quiet(
        "DeadLettersRising",
        "one dead letter every two minutes",
        {'lakehouse_dead_letters_seen_total{topic="shopify.orders"}': "1000+0.5x120"},
        minutes=120,
        looks_back=True,
    ),
    # 100 rows a minute; ten of them refused, for an hour.
    Firing(
        "QuarantineShareHigh",
        {
            f"lakehouse_rows_landed_total{RAW}": "100000+100x200",
            f"lakehouse_rows_quarantined_total{RAW}": "1000+0x60 1010+10x59 1600+0x90",
        },
        fires=96,
        clears=151,
        value=350 / 5900,
        last=300 / 5900,
        labels=_RAW,
        looks_back=True,
    ),
    Quiet(
        "QuarantineShareHigh",
        "half of the rows are refused, and there are four",
        {
            f"lakehouse_rows_landed_total{RAW}": "100000+0x60 100004+0x60",
            f"lakehouse_rows_quarantined_total{RAW}": "1000+0x60 1002+0x60",
        },
        minutes=120,
        looks_back=True,
    ),
    Firing(
        "BadRecordShareHigh",
        {
            f"lakehouse_rows_landed_total{RAW}": "100000+100x120",
            f"lakehouse_rows_bad_total{RAW}": "1000+0x30 1010+10x29 1300+0x60",
        },
        fires=44,
        clears=68,
        value=130 / 1400,
        last=80 / 1400,
        labels=_RAW,
        looks_back=True,
    ),
    Quiet(
        "BadRecordShareHigh",
        "one record of a hundred cannot be read",
        {
            f"lakehouse_rows_landed_total{RAW}": "100000+100x120",
            f"lakehouse_rows_bad_total{RAW}": "1000+1x120",
        },
        minutes=120,
        looks_back=True,
    ),
)

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

MAINTENANCE: tuple[Firing | Quiet, ...] = (
    Firing(
        "TableNeedsCompaction",
        {f"iceberg_table_file_count{SALES}": "100 101+0x69 3 3"},
        fires=61,
        clears=71,
        value=101,
        labels=_SALES,
    ),
    Firing(
        "TooManySnapshots",
        {
            f"iceberg_table_snapshot_count{SALES}": "600 601+0x69 400 400",
            f"lakehouse_table_snapshot_limit{SALES}": "600+0x72",
        },
        fires=61,
        clears=71,
        value=601,
        labels=_SALES,
    ),
    Quiet(
        "TooManySnapshots",
        "many, and fewer than thinning leaves",
        {
            f"iceberg_table_snapshot_count{SALES}": "590+0x120",
            f"lakehouse_table_snapshot_limit{SALES}": "600+0x120",
        },
        minutes=120,
    ),
    # The first run failed, and none succeeded before.
    Firing(
        "CompactionJobFailed",
        {
            'lakehouse_maintenance_job_failed{maintenance_job="compact", table="marts.sales"}': (
                "_ 1 1 0 0"
            )
        },
        fires=1,
        clears=3,
        value=1,
        labels={"maintenance_job": "compact", "table": "marts.sales"},
    ),
    Firing(
        "ReaderHoldsFloor",
        {
            'lakehouse_reader_floor_age_seconds{table="raw.shopify_orders", '
            'reader="staging.shopify_orders"}': "42900+60x20 0 0"
        },
        fires=11,
        clears=21,
        value=43560,
        last=44100,
        labels={"table": "raw.shopify_orders", "reader": "staging.shopify_orders"},
    ),
)

SCENARIOS = {
    "pipeline_health": PIPELINE_HEALTH,
    "data_quality": DATA_QUALITY,
    "infrastructure": INFRASTRUCTURE,
    "maintenance": MAINTENANCE,
}
"""By file of built-in rules."""
