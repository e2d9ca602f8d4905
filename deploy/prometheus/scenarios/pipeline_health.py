"""Builds that fail or last, and tables that are behind."""

from __future__ import annotations

from deploy.prometheus.scenario import Firing, Quiet
from deploy.prometheus.scenarios.series import (
    ORDERS,
    ORDERS_LABELS,
    RAW,
    RAW_LABELS,
    SALES,
    SALES_LABELS,
)

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
        labels=RAW_LABELS,
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
        labels=SALES_LABELS,
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
        labels=RAW_LABELS,
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
        labels=ORDERS_LABELS,
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
        labels=SALES_LABELS,
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
