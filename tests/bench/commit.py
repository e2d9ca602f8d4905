"""One commit through ``shared.lake.commit``, by the number of snapshots that the table retains.

Tables on the embedded storage, told apart by their environments, retain 10 to 10,000 snapshots; a
commit adds one and its thinning removes the oldest, as in a table that has been written to for
long. They take turns commit by commit, so that caches and neighbours are the same for all. The data
file that a commit names is written before the clock starts: what is counted is the snapshot alone.

Beside each of them plain PyIceberg appends the same data file to an equal table. Then one table
takes 2,000 commits in a row, a simulated second apart, thinned as in production.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import RESTError
from pyiceberg.manifest import DataFile
from requests import RequestException

from shared.cli.output import progress
from shared.lake import commit as lake
from shared.lake.catalog import open_catalog, storage_properties
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.lake.thinning import ThinningPolicy
from shared.runtime.settings import Settings
from tests.bench.histories import BoundedTable, LandingTable, PlainTable, SimulatedSeconds
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.storage import StorageProcess

RETAINED = (10, 400, 1_000, 10_000)
TURNS = 10
"""Commits to each table in each round."""

LONG, LONG_TURNS = 10_000, 2
"""Tables that retain so many take fewer turns."""

PLAIN_TURNS = 3
PLAIN_SECONDS = 10.0
"""Plain PyIceberg is left out where one of its commits takes more CPU."""

STORAGE_TURNS = 5
"""Commits to one table in a row, for the storage's CPU."""

THINNED = 2_000
WINDOW = 100
EARLY = (300, 400)
"""Commits that the last hundred are compared with: the dense part of the history is full."""

QUICK_RETAINED = (5, 15)
QUICK_THINNED = 10


_Table = TypeVar("_Table")


@dataclass(slots=True)
class _Found:
    """Milliseconds per commit by figure and number of snapshots, one value a round."""

    values: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def add(self, name: str, retained: int, milliseconds: Sequence[float]) -> None:
        self.values.setdefault((name, retained), []).append(fmean(milliseconds))

    def of(self, name: str, retained: int) -> list[float]:
        return self.values.get((name, retained), [])


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """All tables take turns in every round."""
    found = _Found()
    counts = QUICK_RETAINED if quick else RETAINED
    with _storage() as storage:
        catalog, plain = open_catalog(storage.settings), _plain_catalog(storage.settings)
        ours = _filled(counts, partial(BoundedTable, catalog))
        theirs = _filled(counts, partial(PlainTable, catalog, plain))
        theirs = [table for table in theirs if _bearable(table)]
        for number in range(rounds):
            _take_turns(ours, found, 1 if quick else TURNS)
            _take_plain_turns(theirs, found, 1 if quick else PLAIN_TURNS)
            _storage_cpu(ours, storage.pid, found)
            progress("round done", number=number + 1, of=rounds)
        for table in ours:
            table.check()
        retained = [table.retained for table in ours]
        thinned = _thinned(catalog, QUICK_THINNED if quick else THINNED)
    return [*_by_size(found, retained), *_against_fewest(found, retained), _growth(thinned, quick)]


@contextmanager
def _storage() -> Iterator[StorageProcess]:
    with tempfile.TemporaryDirectory() as directory:
        storage = StorageProcess(Path(directory))
        try:
            storage.start()
            yield storage
        finally:
            storage.close()


def _plain_catalog(settings: Settings) -> RestCatalog:
    """PyIceberg's own client of the same catalog and store, with its defaults."""
    secret = settings.catalog_credential
    return RestCatalog(
        "plain",
        **{
            "uri": settings.catalog_uri,
            "warehouse": settings.catalog_warehouse,
            "credential": "" if secret is None else secret.get_secret_value(),
            "scope": "catalog",
            "oauth2-server-uri": f"{settings.catalog_uri.rstrip('/')}/v1/oauth/tokens",
            **storage_properties(settings),
        },
    )


def _filled(counts: Sequence[int], make: Callable[[int], _Table]) -> list[_Table]:
    """The tables that the catalog can hold."""
    tables = []
    for count in counts:
        try:
            tables.append(make(count))
        except (RESTError, RequestException) as error:
            reason = f"{type(error).__name__}: {error}"
            progress("left out: the catalog refuses", snapshots=count, reason=reason[:200])
        else:
            progress("table filled", snapshots=count)
    return tables


def _bearable(table: PlainTable) -> bool:
    """Whether a plain commit is quick enough to be repeated."""
    seconds, _ = _timed(table.turn, table.data_file())
    if seconds > PLAIN_SECONDS:
        progress("plain PyIceberg left out", snapshots=table.retained, seconds=round(seconds, 1))
    return seconds <= PLAIN_SECONDS


def _take_turns(tables: Sequence[BoundedTable], found: _Found, turns: int) -> None:
    spent: dict[int, list[tuple[float, float]]] = {}
    for turn in range(turns):
        for table in tables:
            if table.retained >= LONG and turn >= LONG_TURNS:
                continue
            turned = partial(table.turn, thinning=table.thinning())
            spent.setdefault(table.retained, []).append(_timed(turned, table.data_file()))
    for retained, each in spent.items():
        found.add("commit_cpu", retained, [cpu * 1000 for cpu, _ in each])
        found.add("commit_wall", retained, [wall * 1000 for _, wall in each])


def _take_plain_turns(tables: Sequence[PlainTable], found: _Found, turns: int) -> None:
    spent: dict[int, list[tuple[float, float]]] = {}
    for turn in range(turns):
        for table in tables:
            if table.retained >= LONG and turn >= 1:
                continue
            spent.setdefault(table.retained, []).append(_timed(table.turn, table.data_file()))
    for retained, each in spent.items():
        found.add("plain_cpu", retained, [cpu * 1000 for cpu, _ in each])
        found.add("plain_wall", retained, [wall * 1000 for _, wall in each])


def _storage_cpu(tables: Sequence[BoundedTable], pid: int, found: _Found) -> None:
    """The storage goes on working after its answer, so each table has it for a while."""
    for table in tables:
        turns = LONG_TURNS if table.retained >= LONG else STORAGE_TURNS
        files = [table.data_file() for _ in range(turns)]
        before = cpu_seconds(pid)
        for file in files:
            table.turn(file, table.thinning())
        found.add(
            "commit_storage_cpu", table.retained, [(cpu_seconds(pid) - before) * 1000 / turns]
        )


def _timed(turn: Callable[[DataFile], object], file: DataFile) -> tuple[float, float]:
    """CPU of this process and wall clock, in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    turn(file)
    return time.process_time() - cpu, time.perf_counter() - wall


def _thinned(catalog: BoundedRestCatalog, commits: int) -> list[float]:
    """CPU milliseconds of each of so many commits, a simulated second apart."""
    clock = SimulatedSeconds(time.time())
    table = LandingTable(catalog, "thinned", clock)
    file, thinning = table.data_file(), lake.Thinning(ThinningPolicy())
    spent = []
    for number in range(commits):
        clock.tick()
        before = time.process_time()
        table.commit([file], thinning)
        spent.append((time.process_time() - before) * 1000)
        if (number + 1) % 500 == 0:
            progress("thinned commits", number=number + 1, of=commits)
    return spent


def _by_size(found: _Found, retained: Sequence[int]) -> Iterator[Measure]:
    for name, plain in (("commit_cpu", "plain_cpu"), ("commit_wall", "plain_wall")):
        for count in retained:
            peer = found.of(plain, count)
            beside = {"peer": "plain PyIceberg", "peer_values": peer} if peer else {}
            yield measure(f"{name}_{count}", found.of(name, count), "ms", **beside)  # type: ignore[arg-type]
    for count in retained:
        yield measure(f"commit_storage_cpu_{count}", found.of("commit_storage_cpu", count), "ms")


def _against_fewest(found: _Found, retained: Sequence[int]) -> Iterator[Measure]:
    """How much more CPU a commit needs than at the fewest snapshots."""
    fewest, *others = retained
    base = found.of("commit_cpu", fewest)
    for count in others:
        mine = found.of("commit_cpu", count)
        yield _ratio(f"commit_{count}_vs_{fewest}", mine, f"{fewest} snapshots", base)
    plain = found.of("plain_cpu", fewest)
    for count in others:
        if theirs := found.of("plain_cpu", count):
            yield _ratio(f"plain_{count}_vs_{fewest}", theirs, f"{fewest} snapshots", plain)


def _growth(spent: Sequence[float], quick: bool) -> Measure:
    """The last hundred commits beside earlier ones; the quick run compares its halves."""
    begin, end = (0, len(spent) // 2) if quick else EARLY
    early, last = spent[begin:end], spent[-(len(spent) // 2 if quick else WINDOW) :]
    return _ratio(
        "commit_thinned_growth", [fmean(last)], f"commits {begin} to {end}", [fmean(early)]
    )


def _ratio(name: str, mine: Sequence[float], peer: str, other: Sequence[float]) -> Measure:
    """The ratio as the value, too; the peer's own figure is 1."""
    ratios = [a / b for a, b in zip(mine, other, strict=True)]
    return measure(name, ratios, "x", peer=peer, peer_values=[1.0] * len(ratios))
