"""CPU seconds from raw orders to the sales mart: after 0.1 % of the orders changed, and in full.

Every size has a history of its own in ``raw.shopify_orders``: orders created evenly over 365 days,
one row each, files of 100,000 rows. A change is the next version of 0.1 % of them, one commit of
one file: of orders created in the last three days, or of any. Seven tables follow from that; each
contestant brings all of them up to date, one contestant after another, and the marts must agree to
the row before anything is told. A contestant's process stays, so its first build and its later ones
are told apart; a first one counts the start of its process. After the rounds everything is built in
full again, which must leave the mart as the increments have made it.

What is counted is CPU of the contestant's processes, commits included. The storage that ours
commits to is counted apart (``recent_storage_…``).

What is not the same work. Ours reads from and commits to the lake over HTTP, a snapshot a table,
readers undisturbed, provenance recorded. The peers read copies of the same raw files on local disk
and write to local disk, in their favour; DuckDB and dbt one DuckDB file, which nobody else can read
meanwhile. By hand means statements that know this chain (:mod:`~.duckdb_by_hand`); dbt gets the
same statements with filters by load time (:mod:`~.dbt_project`), and is right only because here no
order moves to another hour or currency, none that was cancelled comes back, and no change arrives
late. Tokens of e-mail and phone are plain SHA-256 there and keyed in ours. Ours hashes every
payload, too, to decide between versions of equal times and ids. Quarantine tables are not built.

Spark (:mod:`~.spark_iceberg`) keeps tables as ours are, Iceberg's format 2 with deletes by
position, a snapshot a table, partitioned by month, equal rows left alone; but without a catalog
server, so for one writer at a time. It never compacts: ours folds old deletes within the builds
that are counted. It runs as one JVM of at most 4 GiB with the parallel collector and two threads,
and is as warm as its builds before have made it. With 10,000 orders, a process's fifth increment
still spent two fifths of its CPU in Java's compiler. Spark is made for clusters and for tables that
are larger. It has not been tuned for this. It takes part where ``make spark`` has fetched it.

``cpu_per_changed_row_growth``: CPU per changed order of a change of 0.1 % recent orders at the
largest size, in relation to the smallest. There a build's fixed cost is shared by few rows, so
beside it stands ``cpu_same_change_growth``: the same 50 recent orders changed at both sizes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from deploy.embedded.connection import connection
from shared.cli.output import progress
from shared.lake.catalog import open_catalog
from shared.runtime.errors import CheckFailed
from tests.bench.builds.agreement import agree
from tests.bench.builds.contestant import Contestant, Cost
from tests.bench.builds.dbt_duckdb import DbtDuckDB
from tests.bench.builds.duckdb_by_hand import DuckDBByHand
from tests.bench.builds.figures import Costs, Size, measures
from tests.bench.builds.order_history import OrderHistory, Which
from tests.bench.builds.ours import Bergline
from tests.bench.builds.process import settled
from tests.bench.builds.raw_orders import RawOrders
from tests.bench.builds.spark_iceberg import SparkIceberg
from tests.bench.report import Measure, cpu_seconds
from tests.support.maven_jars import Absent
from tests.support.storage import StorageProcess

ROWS = (10_000, 1_000_000)
QUICK_ROWS = (10_000,)
CHANGED_ONE_IN = 1000
SAME_CHANGE = 50
"""Recent orders that change at every size alike."""

MANY = 5_000_000
"""From so many orders on there is one warm full build, whatever the rounds."""

PEERS: tuple[type[Contestant], ...] = (DuckDBByHand, DbtDuckDB, SparkIceberg)


def run(rounds: int, *, quick: bool = False, rows: Sequence[int] | None = None) -> list[Measure]:
    """All contestants at every size.

    Args:
        rounds: how often each kind of change is made.
        quick: one small size.
        rows: numbers of orders.
    """
    counts = sorted(rows or (QUICK_ROWS if quick else ROWS))
    sizes = []
    with tempfile.TemporaryDirectory() as directory:
        storage = StorageProcess(Path(directory))
        try:
            storage.start()
            for count in counts:
                place = Path(directory) / str(count)
                sizes.append(_Course(storage, place, count).measured(rounds))
                shutil.rmtree(place)
        finally:
            storage.close()
    return measures(sizes)


class _Course:
    """One size: its raw table, and the contestants."""

    def __init__(self, storage: StorageProcess, directory: Path, count: int) -> None:
        if count < CHANGED_ONE_IN:
            raise CheckFailed(f"{count} orders: of fewer than {CHANGED_ONE_IN} none would change")
        self._storage = storage
        self._count = count
        self._changed = count // CHANGED_ONE_IN
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        name = f"rows{count}"
        history = OrderHistory(count, today)
        catalog = open_catalog(storage.settings)
        self._raw = RawOrders(catalog, name, history, directory / "raw")
        as_of = today.date()
        ours = Bergline(directory / "bergline", as_of)
        ours.lake({**connection(storage.ports, storage.secrets), "BERGLINE_ENV": name})
        self._ours = ours
        self._contestants: list[Contestant] = [ours]
        for peer in PEERS:
            try:
                self._contestants.append(peer(directory / peer.name, as_of))
            except Absent as reason:
                progress("left out", contestant=peer.title, reason=str(reason))

    def measured(self, rounds: int) -> Size:
        """Everything at this size."""
        try:
            return self._measured(rounds)
        finally:
            for each in self._contestants:
                each.stop()

    def _measured(self, rounds: int) -> Size:
        self._land(self._raw.load())
        progress("history landed", orders=self._count)
        found: dict[str, Costs] = {}
        for each in self._contestants:
            each.start()
            found[each.name] = Costs(each.title, self._told(each, "first full", each.full()))
            each.stop()
        self._change(Which.RECENT, self._changed)
        for each in self._contestants:
            each.start()
            cost = self._told(each, "first incremental", each.incremental())
            found[each.name].first.append(cost)
        self._agree()
        self._turns(rounds, found)
        before = self._ours.mart()
        self._full_again(1 if self._count >= MANY else rounds, found)
        agree("increments", before, "a full build", self._ours.mart())
        peers = {name: costs for name, costs in found.items() if name != self._ours.name}
        return Size(self._count, self._changed, found[self._ours.name], peers)

    def _turns(self, rounds: int, found: Mapping[str, Costs]) -> None:
        for number in range(rounds):
            for which, changed in (
                (Which.RECENT, self._changed),
                (Which.RANDOM, self._changed),
                (Which.RECENT, min(SAME_CHANGE, self._count // 200)),
            ):
                self._change(which, changed)
                for each in self._contestants:
                    settled(self._storage.pid)
                    storage = cpu_seconds(self._storage.pid)
                    cost = self._told(each, f"{which} {changed}", each.incremental())
                    costs = found[each.name]
                    if changed != self._changed:
                        costs.same.append(cost)
                    elif which is Which.RANDOM:
                        costs.random.append(cost)
                    else:
                        costs.recent.append(cost)
                        settled(self._storage.pid)
                        costs.storage.append(cpu_seconds(self._storage.pid) - storage)
            self._agree()
            progress("round done", orders=self._count, number=number + 1, of=rounds)

    def _full_again(self, times: int, found: Mapping[str, Costs]) -> None:
        for _ in range(times):
            for each in self._contestants:
                found[each.name].full.append(self._told(each, "full", each.full()))
        self._agree()

    def _change(self, which: Which, orders: int) -> None:
        self._land([self._raw.change(which, orders)])

    def _land(self, files: Sequence[Path]) -> None:
        for each in self._contestants:
            each.land(files)

    def _agree(self) -> None:
        mart = self._ours.mart()
        for peer in self._contestants[1:]:
            agree(self._ours.title, mart, peer.title, peer.mart())

    def _told(self, who: Contestant, what: str, cost: Cost) -> Cost:
        progress(
            "built",
            orders=self._count,
            contestant=who.name,
            what=what,
            cpu=round(cost.cpu, 3),
            wall=round(cost.wall, 3),
        )
        return cost
