"""Does a process grow without end? Samples of the whole run, the early ones beside the late. Pure.

Processes are killed and start anew, so that a single one is rarely old; the supervisor is never
killed, and a leak that fills with the data (an index, a list of segments) shows in successors too.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MEBIBYTE = 2**20
GROWTH_FACTOR = 1.5
GROWTH_BYTES = 96 * MEBIBYTE
CEILING_BYTES = 1024 * MEBIBYTE
FILLS_UP = frozenset({"storage"})
"""Its heap has a limit (``GOMEMLIMIT``) up to which it fills: only the ceiling counts."""

Sample = Mapping[str, int]
"""Process name → bytes."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Memory of one process over a run, in MiB: median of the first and last third, the peak."""

    process: str
    early_mib: int
    late_mib: int
    peak_mib: int
    bounded: bool


def growth(samples: Sequence[Sample]) -> list[Growth]:
    """How each process' memory went; ``bounded`` when its growth is within what is allowed.

    Allowed is the larger of :data:`GROWTH_FACTOR` times and :data:`GROWTH_BYTES` more than early
    in the run, and never beyond :data:`CEILING_BYTES`.
    """
    third = max(1, len(samples) // 3)
    names = sorted({name for sample in samples for name in sample})
    return [_of(name, samples, third) for name in names]


def _of(name: str, samples: Sequence[Sample], third: int) -> Growth:
    values = [sample[name] for sample in samples if sample.get(name)]
    early = statistics.median(values[:third])
    late = statistics.median(values[-third:])
    peak = max(values)
    allowed = max(early * GROWTH_FACTOR, early + GROWTH_BYTES)
    grew = late > allowed and name not in FILLS_UP
    return Growth(
        process=name,
        early_mib=round(early / MEBIBYTE),
        late_mib=round(late / MEBIBYTE),
        peak_mib=round(peak / MEBIBYTE),
        bounded=not grew and peak <= CEILING_BYTES,
    )
