"""From the costs of builds to the figures that are told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.builds.contestant import Cost, TableCost
from tests.bench.report import Measure, measure

MB = 1_000_000
MIB = 1 << 20

_TABLE_FIGURES: tuple[tuple[str, str, Callable[[TableCost], float]], ...] = (
    ("", "CPU s", lambda cost: cost.cpu),
    ("_read", "MB", lambda cost: cost.bytes_read / MB),
    ("_written", "MB", lambda cost: cost.bytes_written / MB),
)


@dataclass(slots=True)
class Costs:
    """What one contestant's builds cost at one size, a value for each round.

    Attributes:
        title: who it is, for people.
        full_first: a full build by a new process.
        first: an incremental build of recent changes by a new process.
        full: full builds by a process that has built before.
        recent, random: incremental builds by such a process, after that change.
        same: the same of a change of the same number of recent orders at every size.
        storage: CPU seconds of the storage during ``recent``.
    """

    title: str
    full_first: Cost
    first: list[Cost] = field(default_factory=list)
    full: list[Cost] = field(default_factory=list)
    recent: list[Cost] = field(default_factory=list)
    random: list[Cost] = field(default_factory=list)
    same: list[Cost] = field(default_factory=list)
    storage: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Size:
    """All contestants at one size.

    Attributes:
        orders: in the history.
        changed: orders of a change.
        ours: our costs.
        peers: by name of the peer.
    """

    orders: int
    changed: int
    ours: Costs
    peers: Mapping[str, Costs]

    @property
    def label(self) -> str:
        """``10k``, ``1m``."""
        for unit, letter in ((1_000_000, "m"), (1000, "k")):
            if self.orders >= unit and self.orders % unit == 0:
                return f"{self.orders // unit}{letter}"
        return str(self.orders)


def measures(sizes: Sequence[Size]) -> list[Measure]:
    """All figures, sizes from the smallest to the largest."""
    largest = sizes[-1]
    return [
        *_against_full(largest),
        *(_growth(sizes) if len(sizes) > 1 else ()),
        *(each for size in sizes for each in _of_size(size)),
        *_by_table(largest),
    ]


def _against_full(size: Size) -> Iterator[Measure]:
    """CPU of incremental builds in relation to the median full build, warm."""
    for name, costs in (("", size.ours), *((f"_{peer}", one) for peer, one in size.peers.items())):
        full = median(_cpu(costs.full))
        for which, builds in (("recent", costs.recent), ("random", costs.random)):
            ratios = [cpu / full for cpu in _cpu(builds)]
            yield measure(f"incremental_vs_full_{which}{name}", ratios, "x")


def _growth(sizes: Sequence[Size]) -> Iterator[Measure]:
    """How CPU grows from the smallest to the largest size; 1 is flat."""
    smallest, largest = sizes[0], sizes[-1]
    per_row = [median(_cpu(size.ours.recent)) / size.changed for size in (smallest, largest)]
    yield measure("cpu_per_changed_row_growth", [per_row[1] / per_row[0]], "x")
    same = [median(_cpu(size.ours.same)) for size in (smallest, largest)]
    yield measure("cpu_same_change_growth", [same[1] / same[0]], "x")


def _of_size(size: Size) -> Iterator[Measure]:
    kinds: tuple[tuple[str, Callable[[Costs], list[float]]], ...] = (
        ("full_first", lambda costs: [costs.full_first.since_start]),
        ("full", lambda costs: _cpu(costs.full)),
        ("recent_first", lambda costs: [cost.since_start for cost in costs.first]),
        ("recent", lambda costs: _cpu(costs.recent)),
        ("random", lambda costs: _cpu(costs.random)),
        ("same", lambda costs: _cpu(costs.same)),
    )
    for kind, values in kinds:
        name, mine = f"{kind}_{size.label}", values(size.ours)
        yield measure(name, mine, "CPU s")
        for peer, costs in size.peers.items():
            yield measure(
                f"{name}_beside_{peer}",
                mine,
                "CPU s",
                peer=costs.title,
                peer_values=values(costs),
            )
    for kind, builds in (("full", size.ours.full), ("recent", size.ours.recent)):
        yield measure(f"{kind}_wall_{size.label}", [cost.wall for cost in builds], "s")
    yield measure(f"recent_storage_{size.label}", size.ours.storage, "CPU s")
    built = (size.ours.full_first, *size.ours.full)
    peak = max(cost.peak for cost in built) / MIB
    yield measure(f"peak_memory_{size.label}", [peak], "MiB")


def _by_table(size: Size) -> Iterator[Measure]:
    for kind, builds in (
        ("full", size.ours.full),
        ("recent", size.ours.recent),
        ("random", size.ours.random),
    ):
        for table in builds[0].tables:
            for suffix, unit, of in _TABLE_FIGURES:
                values = [of(cost.tables[table]) for cost in builds]
                yield measure(f"{kind}_{size.label}_{table}{suffix}", values, unit)


def _cpu(costs: Iterable[Cost]) -> list[float]:
    return [cost.cpu for cost in costs]
