"""Entities, dead letters, and rows that were refused or could not be read."""

from __future__ import annotations

from deploy.prometheus.scenario import Firing, Quiet
from deploy.prometheus.scenarios.series import RAW, RAW_LABELS

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
            f"lakehouse_rows_judged_total{RAW}": "100000+100x200",
            f"lakehouse_rows_quarantined_total{RAW}": "1000+0x60 1010+10x59 1600+0x90",
        },
        fires=96,
        clears=151,
        value=350 / 5900,
        last=300 / 5900,
        labels=RAW_LABELS,
        looks_back=True,
    ),
    Quiet(
        "QuarantineShareHigh",
        "half of the rows are refused, and there are four",
        {
            f"lakehouse_rows_judged_total{RAW}": "100000+0x60 100004+0x60",
            f"lakehouse_rows_quarantined_total{RAW}": "1000+0x60 1002+0x60",
        },
        minutes=120,
        looks_back=True,
    ),
    # All of it was refused in one late build, and nothing was landing any more.
    Firing(
        "QuarantineShareHigh",
        {
            f"lakehouse_rows_judged_total{RAW}": "100000+0x30 100100+0x70",
            f"lakehouse_rows_quarantined_total{RAW}": "100000+0x30 100100+0x70",
            f"lakehouse_rows_landed_total{RAW}": "100000+0x100",
        },
        fires=37,
        clears=91,
        value=1,
        labels=RAW_LABELS,
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
        labels=RAW_LABELS,
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
