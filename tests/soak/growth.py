"""Does anything grow without end? Early samples of a run beside late ones, and the most. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tests.soak.eager import DENSE_S, LOOK_S, MINUTES_S, TARGET_BYTES
from tests.soak.sampling import Sample
from tests.soak.stored import Stored

FACTOR = 1.5
"""Medians of thirds differ by so much when nothing grows."""
JUDGED_FROM_S = 240.0
"""In a shorter run the first third is that of a table that is only just filling."""
BUSY_S = 120.0
"""For so long a busy machine may keep the maintainer from its work: what comes meanwhile waits.
A commit that takes longer than writers pause loses to them, so being slow makes it slower still."""

_COMMITS = 2 * BUSY_S
_SNAPSHOTS = DENSE_S * 2 + 2 * DENSE_S / LOOK_S + MINUTES_S / 60 + 5
"""Commits and maintenance of the dense window, one of each minute, and what else thinning keeps."""
_SNAPSHOT_BYTES = 2048
"""Of the metadata file, with a summary as large as a build's."""
_FULL_SHARE = 0.75
_KEPT_METADATA = 11


@dataclass(frozen=True, slots=True)
class Growth:
    """One figure of one table over a run.

    Attributes:
        table, name: what.
        first, last: medians of the first and the last third.
        most: of all samples.
        allowed: for the last third, as the first was; ``None`` where thirds are not judged.
        ceiling: for every sample; ``None`` for no such bound.
    """

    table: str
    name: str
    first: float
    last: float
    most: float
    allowed: float | None
    ceiling: float | None

    @property
    def bounded(self) -> bool:
        """Whether it stayed within both."""
        within = self.allowed is None or self.last <= self.allowed
        return within and (self.ceiling is None or self.most <= self.ceiling)


@dataclass(frozen=True, slots=True)
class _Bound:
    slack: float | None
    ceiling: float | None


def growths(
    table: str, seconds: float, samples: Sequence[Sample], stored: Sequence[Stored]
) -> list[Growth]:
    """How the figures of a table went in a run of so many seconds."""
    if not samples:
        return []
    full = max(each.live_bytes for each in samples) / (_FULL_SHARE * TARGET_BYTES)
    bounds = {
        # Full files are the table itself; beside them only what came since the last compaction.
        "data_files": _Bound(full + 20, full + _COMMITS),
        # A compaction of all files takes all deletes with it.
        "delete_files": _Bound(20, BUSY_S),
        # The minutes fill up in the course of the run.
        "snapshots": _Bound(MINUTES_S / 60 + 10, _SNAPSHOTS * 1.5),
        # Each commit brings one or two; a look later many are one.
        "manifests": _Bound(20, _COMMITS * 2),
        "metadata_bytes": _Bound(
            (MINUTES_S / 60 + 10) * _SNAPSHOT_BYTES, (_SNAPSHOTS * 1.5 + 16) * _SNAPSHOT_BYTES
        ),
        # Two requests and a manifest more or less, on a machine that does something else, too.
        "planning_s": _Bound(0.15, None),
        "live_bytes": _Bound(None, None),
    }
    judged = seconds >= JUDGED_FROM_S
    found = [
        _growth(table, name, [getattr(each, name) for each in samples], bound, judged=judged)
        for name, bound in bounds.items()
    ]
    # What is deleted goes ten minutes later: what is there by then is judged by what nothing names.
    bounds = {
        "metadata_files": _Bound(5, _KEPT_METADATA + 10),
        "objects": _Bound(None, None),
        "bytes": _Bound(None, None),
        "unnamed": _Bound(None, None),
    }
    if stored:
        found += [
            _growth(table, name, [getattr(each, name) for each in stored], bound, judged=judged)
            for name, bound in bounds.items()
        ]
    return found


def _growth(
    table: str, name: str, values: Sequence[float], bound: _Bound, *, judged: bool
) -> Growth:
    third = max(1, len(values) // 3)
    first, last = statistics.median(values[:third]), statistics.median(values[-third:])
    allowed = None if bound.slack is None or not judged else FACTOR * first + bound.slack
    return Growth(table, name, first, last, max(values), allowed, bound.ceiling)
