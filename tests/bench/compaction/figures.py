"""From the costs of compactions to the figures that are told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.compaction.contestant import Cost
from tests.bench.report import Measure, measure

MB = 1_000_000
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Compacted:
    """One compaction and what it left.

    Attributes:
        cost: of the contestant.
        storage: CPU seconds of the storage meanwhile.
        files, bytes: of the table afterwards.
    """

    cost: Cost
    storage: float
    files: int
    bytes: int


@dataclass(slots=True)
class Runs:
    """What one contestant did with one shape of table.

    Attributes:
        title: who it is, for people.
        start: CPU seconds until its process reached the catalog.
        first: by a new process.
        warm: by the same process later, a value for each round.
    """

    title: str
    start: float
    first: Compacted
    warm: list[Compacted] = field(default_factory=list)

    @property
    def peak(self) -> int:
        """Largest resident bytes at any time."""
        return max(each.cost.peak for each in (self.first, *self.warm))


@dataclass(frozen=True, slots=True)
class Shape:
    """All contestants with one shape of table.

    Attributes:
        name: what its figures begin with.
        files, bytes: of the table before.
        ours: our runs.
        peers: by name of the peer; the first one is whom the plain figures are compared with.
    """

    name: str
    files: int
    bytes: int
    ours: Runs
    peers: Mapping[str, Runs]


def measures(shapes: Sequence[Shape]) -> list[Measure]:
    """All figures."""
    return [*(each for shape in shapes for each in _of_shape(shape)), *_peak(shapes)]


def _of_shape(shape: Shape) -> Iterator[Measure]:
    name = shape.name

    def speed(done: Compacted) -> float:
        return shape.bytes / MB / done.cost.cpu

    kinds: tuple[tuple[str, str, Callable[[Runs], list[float]]], ...] = (
        ("", "MB/CPU-s", lambda runs: [speed(each) for each in runs.warm]),
        ("_first", "MB/CPU-s", lambda runs: [speed(runs.first)]),
        ("_start", "CPU s", lambda runs: [runs.start]),
        ("_wall", "s", lambda runs: [each.cost.wall for each in runs.warm]),
        ("_files_after", "files", lambda runs: [float(each.files) for each in runs.warm]),
        ("_bytes_after", "MB", lambda runs: [each.bytes / MB for each in runs.warm]),
    )
    for suffix, unit, of in kinds:
        yield from _beside(f"{name}{suffix}", unit, of(shape.ours), shape.peers, of)
    yield measure(f"{name}_files_before", [shape.files], "files")
    yield measure(f"{name}_bytes_before", [shape.bytes / MB], "MB")
    yield measure(f"{name}_storage", [each.storage for each in shape.ours.warm], "CPU s")
    for peer, runs in shape.peers.items():
        storage = [each.storage for each in runs.warm]
        yield measure(f"{name}_storage_{peer}", storage, "CPU s")


def _peak(shapes: Sequence[Shape]) -> Iterator[Measure]:
    """Of all shapes; peers that had all of them."""
    everywhere = {
        peer: [shape.peers[peer] for shape in shapes]
        for peer in shapes[0].peers
        if all(peer in shape.peers for shape in shapes)
    }

    def most(runs: Sequence[Runs]) -> float:
        return max(each.peak for each in runs) / MIB

    ours = most([shape.ours for shape in shapes])
    for at, (peer, runs) in enumerate(everywhere.items()):
        name = "compact_peak_rss" if at == 0 else f"compact_peak_rss_beside_{peer}"
        yield measure(name, [ours], "MiB", peer=runs[0].title, peer_values=[most(runs)])
    if not everywhere:
        yield measure("compact_peak_rss", [ours], "MiB")


def _beside(
    name: str,
    unit: str,
    ours: Sequence[float],
    peers: Mapping[str, Runs],
    of: Callable[[Runs], list[float]],
) -> Iterator[Measure]:
    """Our figure beside the first peer's, then beside each other one's; alone without any."""
    if not peers:
        yield measure(name, ours, unit)
    for at, (peer, runs) in enumerate(peers.items()):
        told = name if at == 0 else f"{name}_beside_{peer}"
        yield measure(told, ours, unit, peer=runs.title, peer_values=of(runs))
