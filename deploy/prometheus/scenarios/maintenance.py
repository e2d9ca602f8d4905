"""Files and snapshots that pile up, and what keeps them."""

from __future__ import annotations

from deploy.prometheus.scenario import Firing, Quiet
from deploy.prometheus.scenarios.series import SALES, SALES_LABELS

MAINTENANCE: tuple[Firing | Quiet, ...] = (
    Firing(
        "TableNeedsCompaction",
        {f"lakehouse_table_uncompacted_files{SALES}": "100 101+0x69 3 3"},
        fires=61,
        clears=71,
        value=101,
        labels=SALES_LABELS,
    ),
    Quiet(
        "TableNeedsCompaction",
        "a file of each of 400 days, which compaction leaves as they are",
        {
            f"iceberg_table_file_count{SALES}": "400+0x120",
            f"lakehouse_table_uncompacted_files{SALES}": "0+1x59 0+1x59",
        },
        minutes=118,
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
        labels=SALES_LABELS,
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
