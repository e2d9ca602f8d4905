"""Histories of tables, played in memory: whatever happens, what is built equals a full build.

Used with one transform whose inputs are written from outside (``test_laws.py``), and with the whole
graph, where only landing tables are (``test_build_histories.py``). By hand, for many histories and
for faults that must be noticed::

    python -m tests.properties.histories --number 2000 --seed 1
    python -m tests.properties.histories --number 200 --fault old-routes
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from time import perf_counter
from unittest.mock import patch

import polars as pl
from polars.testing import assert_frame_equal

from services.transformer import tokens
from services.transformer.framework import dated, folding, incremental, routing, slices
from services.transformer.framework.build import Result, compute
from services.transformer.framework.plan import Nothing
from services.transformer.framework.registry import TRANSFORMS
from services.transformer.framework.transform import Group, Transform, derivation
from shared.contracts.days import Days
from shared.tables.lineage import in_order
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec
from tests.support.input_rows import START, random_rows
from tests.support.memory_lake import IDENTITY, NOW, MemoryLake, Stale

FIRST_DAY: date = START.date()
TOKEN_KEY = tokens.TokenKey(b"a key for histories only")


@dataclass(slots=True)
class World:
    """A lake, what is written into it from outside, and those who build.

    Attributes:
        random: every choice comes from here.
        tables: all tables.
        transforms: target → how it is built; in build order.
        written: tables that are written from outside.
        rule: whether commits hold to the commit rule.
        as_of: the business date.
        late: results computed but not committed: of builders thought dead.
        log: what happened, in words.
    """

    random: Random
    tables: Mapping[str, TableSpec]
    transforms: dict[str, Transform]
    written: Sequence[str]
    rule: bool = True
    as_of: date = FIRST_DAY
    late: list[tuple[Transform, Result]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    lake: MemoryLake = field(init=False)
    columns: dict[str, list[str]] = field(init=False)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lake = MemoryLake(self.tables, chunk=self.random.choice([2, 5, 100]))
        self.columns = {
            name: sorted(
                {
                    column
                    for transform in self.transforms.values()
                    for source in transform.inputs
                    if source.table == name
                    for column in source.columns
                }
            )
            for name in self.tables
        }

    # What happens outside.

    def arrive(self, name: str) -> None:
        """New rows; of a landing table deliveries, of others new versions of keys."""
        rows = random_rows(
            self.tables[name], self.random, self.random.randint(1, 4), self.columns[name]
        )
        self._write(name, rows)

    def repeat(self, name: str) -> None:
        """Rows that are there already arrive again, or are written again."""
        rows = self.lake.tables[name].rows
        if not rows.is_empty():
            self._write(name, rows.sample(min(2, rows.height), seed=self.random.randint(0, 999)))

    def vary(self, name: str) -> None:
        """Rows that are there already come with other values in some columns."""
        rows = self.lake.tables[name].rows
        if rows.is_empty() or not self.columns[name]:
            return
        other = random_rows(self.tables[name], self.random, 1, self.columns[name])
        changed = self.random.sample(self.columns[name], min(3, len(self.columns[name])))
        row = rows.sample(1, seed=self.random.randint(0, 999))
        self._write(name, row.with_columns(other.select(changed)))

    def delete(self, name: str) -> None:
        """Rows go: a privacy request, a mistake."""
        head = self.lake.tables[name].head
        if head is None or head.rows.is_empty():
            return
        gone = head.rows.sample(min(2, head.rows.height), seed=self.random.randint(0, 999))
        self.lake.write(name, head.rows.clear(), gone=gone[IDENTITY], foreign=1)

    def rollback(self, name: str) -> None:
        """An operator makes an older version the head."""
        versions = [each for each in self.lake.tables[name].versions.values() if not each.spoilt]
        if versions:
            self.lake.rollback(name, self.random.choice(versions[-4:]))

    def restore(self, name: str) -> None:
        """The same of a derived table."""
        self.rollback(name)

    def spoil(self, name: str) -> None:
        """Another engine deletes rows of a derived table."""
        self.delete(name)

    def mend(self, name: str) -> None:
        """Rows of some days of a derived table are wrong, for whatever reason, and readers may
        have seen them; then these days are refreshed."""
        if self.tables[name].dated is None or self.lake.tables[name].head is None:
            return
        days = self.some_days()
        self.damage(name, days)
        for reader in self.random.choices(list(self.transforms), k=self.random.randint(0, 2)):
            if reader != name:
                self.build(reader)
        self.refresh(name, days)

    def some_days(self) -> Days:
        """A range in which there are rows, or half of one."""
        first = FIRST_DAY + timedelta(days=self.random.choice([0, 0, 1, 2]))
        last = first + timedelta(days=self.random.choice([0, 0, 1, 3, 33]))
        return self.random.choice([Days(first, last), Days(first, last), Days(None, last)])

    def damage(self, name: str, days: Days | None = None) -> None:
        """Rows of these days, or of all, go, come, or get other values, and nothing says so."""
        spec, table = self.tables[name], self.lake.tables[name]
        assert table.head is not None
        assert spec.derived is not None
        key, stored = list(spec.derived.key), table.head.rows
        if days is not None:
            stored = stored.filter(self.of(spec, days))
        gone = stored.sample(min(stored.height, 2), seed=self.random.randint(0, 999))
        other = random_rows(spec, self.random, gone.height)
        kept = {*key, *self.random.sample(list(other.columns), 3)}
        changed = gone.select(
            column if column in kept else other[column] for column in table.rows.columns
        )
        rows = pl.concat([changed.head(1), random_rows(spec, self.random, 1)])
        if days is not None:
            rows = rows.filter(self.of(spec, days))
        rows = rows.unique(key).join(
            stored.join(gone, on=IDENTITY, how="anti"), on=key, how="anti", nulls_equal=True
        )
        self.lake.write(name, rows, gone=gone[IDENTITY], spoilt=True)

    @staticmethod
    def of(spec: TableSpec, days: Days) -> pl.Expr:
        """Whether a row of the table is of these days."""
        assert spec.dated is not None
        day = pl.col(spec.dated.name).cast(pl.Date)
        return (day >= (days.first or date.min)) & (day <= (days.last or date.max))

    def refresh(self, name: str, days: Days) -> Result:
        """These days of a derived table are computed anew."""
        result = self._computed(name, days)
        assert result is not None
        if not result.idle:
            self.lake.commit(self.transforms[name], result, rule=self.rule)
        return result

    def compact(self, name: str) -> None:
        """Rows move into another file."""
        self.lake.compact(name)

    def expire(self, name: str) -> None:
        """Versions that somebody has recorded are thinned away."""
        self.lake.expire(name)

    def recreate(self, name: str) -> None:
        """The table is dropped and made again."""
        self.lake.recreate(name)

    def _write(self, name: str, rows: pl.DataFrame) -> None:
        spec = self.tables[name]
        if spec.derived is None:
            self.lake.write(name, self._landed(spec, rows), complete=dict(self._complete(spec)))
            return
        rows = rows.unique(subset=list(spec.derived.key), keep="any")
        head = self.lake.tables[name].head
        gone = None
        if head is not None:
            key = list(spec.derived.key)
            gone = head.rows.join(rows, on=key, how="semi", nulls_equal=True)[IDENTITY]
        self.lake.write(name, rows, gone=gone)

    def _landed(self, spec: TableSpec, rows: pl.DataFrame) -> pl.DataFrame:
        if "_offset" not in rows.columns:
            return rows
        topic = spec.topics[0]
        places = []
        for _ in range(rows.height):
            partition = self.random.randint(0, 1)
            offset = self.offsets.get((topic, partition), 0)
            self.offsets[topic, partition] = offset + 1
            places.append((partition, offset))
        return rows.with_columns(
            pl.lit(topic).alias("_topic"),
            pl.Series("_partition", [p for p, _ in places], pl.Int32),
            pl.Series("_offset", [o for _, o in places], pl.Int64),
        )

    def _complete(self, spec: TableSpec) -> Iterator[tuple[tuple[str, int], int]]:
        for key, offset in self.offsets.items():
            if key[0] in spec.topics:
                yield key, offset

    # What builders do.

    def build(self, name: str) -> None:
        """One build; of what is no change it may leave no trace."""
        result = self._computed(name)
        if result is not None and not (result.idle and self.random.random() < 0.5):
            self.lake.commit(self.transforms[name], result, rule=self.rule)

    def wave(self) -> None:
        """Every table is built, in order."""
        for name in self.transforms:
            self.build(name)

    def crash(self, name: str) -> None:
        """A build ends between compute and commit."""
        self._computed(name)

    def dawdle(self, name: str) -> None:
        """A build computes now and commits later, when it is thought dead."""
        if (result := self._computed(name)) is not None:
            self.late.append((self.transforms[name], result))

    def awake(self) -> None:
        """One of those commits."""
        if not self.late:
            return
        transform, result = self.late.pop(self.random.randrange(len(self.late)))
        try:
            self.lake.commit(transform, result, rule=self.rule)
        except Stale:
            self.log[-1] += " (stale)"

    def tick(self) -> None:
        """The business date moves on."""
        self.as_of += timedelta(days=self.random.choice([1, 1, 30]))

    def change_code(self, name: str) -> None:
        """A new version of a function; by its declaration alone, it computes the same."""
        known = self.transforms[name]
        self.transforms[name] = replace(known, version=known.version + 1)

    def _computed(self, name: str, days: Days | None = None) -> Result | None:
        transform = self.transforms[name]
        todo = self.lake.plan(transform, self.as_of, days)
        if isinstance(todo, Nothing):
            return None
        result = compute(transform, todo, self.lake, NOW)
        if isinstance(transform, Group):
            assert result.largest <= transform.bound, f"{name}: a group has {result.largest} rows"
        return result

    # A history.

    def step(self, act: str, seed: int) -> None:
        """Something happens: one of :data:`ACTS`; all further choices come from ``seed``."""
        self.random = Random(seed)
        over = {
            "written": self.written,
            "built": list(self.transforms),
            "any": list(self.tables),
            "": (),
        }[ACTS[act][1]]
        chosen = [self.random.choice(over)] if over else []
        self.log.append(" ".join([act, *chosen]))
        getattr(self, act)(*chosen)

    def play(self, steps: Iterable[tuple[str, int]]) -> None:
        """A history, and then quiet: every table is built until nothing is left to do."""
        for act, seed in steps:
            self.step(act, seed)
        while self.late:
            self.log.append("awake")
            self.awake()
        self.settle()

    def settle(self) -> None:
        """Builds in order; afterwards no table needs anything."""
        for name in self.transforms:
            self.log.append(f"settle {name}")
            result = self._computed(name)
            if result is not None:
                self.lake.commit(self.transforms[name], result, rule=self.rule)
        for name, transform in self.transforms.items():
            todo = self.lake.plan(transform, self.as_of)
            assert isinstance(todo, Nothing), f"{name} was just built and wants {todo}"

    def verify(self) -> None:
        """Every table equals a full build of everything from what was written from outside."""
        fresh = MemoryLake(self.tables)
        for name in self.written:
            head = self.lake.tables[name].head
            if head is not None:
                fresh.write(name, self.lake.tables[name].rows)
        for name, transform in self.transforms.items():
            fresh.build(transform, self.as_of)
            stamped = derivation(transform.target).stamped
            assert_frame_equal(
                self.lake.tables[name].rows.drop(stamped),
                fresh.tables[name].rows.drop(stamped),
                check_row_order=False,
            )


ACTS: Mapping[str, tuple[int, str]] = {
    "arrive": (14, "written"),
    "repeat": (5, "written"),
    "vary": (8, "written"),
    "delete": (4, "written"),
    "rollback": (3, "written"),
    "spoil": (1, "built"),
    "restore": (1, "built"),
    "mend": (4, "built"),
    "compact": (2, "any"),
    "expire": (1, "any"),
    "recreate": (1, "any"),
    "change_code": (1, "built"),
    "build": (10, "built"),
    "crash": (2, "built"),
    "dawdle": (8, "built"),
    "awake": (6, ""),
    "tick": (3, ""),
    "wave": (12, ""),
}
"""What can happen → how often, and to which tables."""


def random_steps(random: Random, number: int) -> list[tuple[str, int]]:
    """A history of that many steps."""
    acts = random.choices(list(ACTS), [weight for weight, _ in ACTS.values()], k=number)
    return [(act, random.randrange(2**32)) for act in acts]


def whole_graph(seed: int, *, rule: bool = True) -> World:
    """A world of every registered transform; landing tables are written from outside."""
    tokens.use(TOKEN_KEY)
    names = {n for t in TRANSFORMS.values() for n in (t.target.name, *(i.table for i in t.inputs))}
    tables = {name: TABLES[name] for name in in_order(TABLES) if name in names}
    transforms = {name: TRANSFORMS[name] for name in tables if name in TRANSFORMS}
    written = [name for name in tables if name not in TRANSFORMS]
    return World(Random(seed), tables, transforms, written, rule)


def of_one(transform: Transform, tables: Mapping[str, TableSpec], random: Random) -> World:
    """A world of one transform; all its inputs are written from outside."""
    tokens.use(TOKEN_KEY)
    inputs = [source.table for source in transform.inputs]
    known = {name: tables[name] for name in [*inputs, transform.target.name]}
    return World(random, known, {transform.target.name: transform}, inputs)


# Faults that must be noticed.


@contextmanager
def old_routes() -> Iterator[None]:
    """The old version of a changed row touches no group."""
    with patch.object(routing, "versions", lambda change: (change.added,)):
        yield


@contextmanager
def ties_by_arrival() -> Iterator[None]:
    """Between versions of the same time the one wins that arrived last."""

    def ordered(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
        return rows.sort(by[:1], descending=True, nulls_last=True, maintain_order=True)

    with patch.object(folding, "ordered", ordered):
        yield


@contextmanager
def days_as_stored() -> Iterator[None]:
    """A refresh of some days looks at what is stored of them alone: what is missing stays so."""
    with (
        patch.object(dated, "_of_source", lambda *_: ()),
        patch.object(dated, "_of_route", lambda *_: ()),
        patch.object(dated, "rows_of_days", lambda *_: None),
        patch.object(incremental, "rows_of_days", lambda *_: None),
    ):
        yield


@contextmanager
def nothing() -> Iterator[None]:
    """No fault in the code."""
    yield


FAULTS = {
    "none": nothing,
    "old-routes": old_routes,
    "ties-by-arrival": ties_by_arrival,
    "days-as-stored": days_as_stored,
    "no-commit-rule": nothing,
}


def run(seed: int, fault: str = "none", steps: int = 50) -> str | None:
    """One history of the whole graph; what is wrong at its end, if anything is."""
    # Every other history computes touched groups in slices of few rows.
    most = 3 if seed % 2 else slices.MOST_ROWS
    with FAULTS[fault](), patch.object(slices, "MOST_ROWS", most):
        world = whole_graph(seed, rule=fault != "no-commit-rule")
        try:
            world.play(random_steps(world.random, steps))
            world.verify()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of polars, too: tell its seed
            what = f"{type(error).__name__}: {error}"
            return f"seed {seed}: {what}\n  " + "\n  ".join(world.log)
    return None


def main() -> int:
    """Play many histories; 0 when all end well, or when a planted fault is noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--number", type=int, default=200, help="of histories")
    parser.add_argument("--seed", type=int, default=1, help="of the first one")
    parser.add_argument("--steps", type=int, default=50, help="in a history")
    parser.add_argument("--fault", choices=FAULTS, default="none", help="planted into the build")
    asked = parser.parse_args()
    start, wrong = perf_counter(), 0
    for seed in range(asked.seed, asked.seed + asked.number):
        found = run(seed, asked.fault, asked.steps)
        if found is not None:
            wrong += 1
            print(found if asked.fault == "none" else f"seed {seed}: noticed", flush=True)
    took = perf_counter() - start
    print(f"{asked.number} histories of {asked.steps} steps, {wrong} wrong, {took:.0f} s")
    return int(wrong > 0) if asked.fault == "none" else int(wrong == 0)


if __name__ == "__main__":
    sys.exit(main())
