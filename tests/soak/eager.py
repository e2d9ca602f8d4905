"""Everything set so that maintenance works all the time.

One thing cannot be hurried: nothing is deleted that was named less than ten minutes ago
(:data:`shared.lake.sweeping.SAFE_DELAY_S`), and no orphan that is younger than a day.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyiceberg.table import Table, TableProperties

from shared.lake.sweeping import SAFE_DELAY_S
from shared.lake.thinning import ThinningPolicy

LOOK_S = 3.0
TARGET_BYTES = 256 * 2**10
"""Of a full data file: half an hour fills a dozen."""

MANY_MANIFESTS = 15

MAINTAINER: Mapping[str, str] = {
    "BERGLINE_MAINTAINER_LOOK_S": f"{LOOK_S:g}",
    "BERGLINE_MAINTAINER_LOOK_FILES": "5",
    "BERGLINE_MAINTAINER_HOT_S": "0",
    "BERGLINE_MAINTAINER_NICE": "0",
    "BERGLINE_MAINTAINER_TARGET_FILE_BYTES": str(TARGET_BYTES),
    "BERGLINE_MAINTAINER_MANY_MANIFESTS": str(MANY_MANIFESTS),
    "BERGLINE_MAINTAINER_EXPIRE_S": "60",
    "BERGLINE_MAINTAINER_ORPHANS_S": "120",
    "BERGLINE_MAINTAINER_ORPHAN_DAYS": "1",
    "BERGLINE_MAINTAINER_RETENTION_DAYS": "0",
}
"""No partition is too hot, and a look at every table every few seconds: whatever the writers have
committed since the last one is compacted."""

DENSE_S = 20
MINUTES_S = 15 * 60
"""Beyond ten minutes, so that expiry has something to remove."""

THINNING = ThinningPolicy(dense_ms=DENSE_S * 1000, minutes_ms=MINUTES_S * 1000)

SWEEP_DELAY_S = SAFE_DELAY_S
"""Manifests of snapshots that thinning removed go after that. Earlier, and a maintainer that a busy
machine keeps from looking would miss what they named: that is left to the sweep of orphans then."""


def let_settings_count(table: Table) -> None:
    """Take away the table's own word on when manifests are put together."""
    name = TableProperties.MANIFEST_MIN_MERGE_COUNT
    if name in table.properties:
        with table.transaction() as transaction:
            transaction.remove_properties(name)
