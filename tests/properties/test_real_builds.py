"""Random histories of toy tables in a real lake: files, deletes, branches, and all.

``test_build_histories.py`` plays the algorithm in memory; here every read goes through manifests,
Parquet and position deletes, and every commit through the one commit function.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from services.transformer.building import writing
from services.transformer.building.builder import Builder
from services.transformer.framework.transform import derivation
from services.transformer.request import Stage
from tests.support.memory_lake import MemoryLake
from tests.support.toy_lake import TODAY, ToyLake, request
from tests.unit.transformer.framework import toys

EVENTS, LINKS = toys.EVENTS.name, toys.LINKS.name
WRITE = "services.transformer.building.steps.write"


class Killed(Exception):
    """The process ends here."""


class History:
    """What may happen to the tables, chosen by a seed."""

    def __init__(self, lake: ToyLake, seed: int, patch: pytest.MonkeyPatch) -> None:
        self.lake, self.random, self._patch = lake, Random(seed), patch
        self.builder: Builder = lake.builder()
        self.as_of = TODAY
        self.log: list[str] = []

    def step(self) -> None:
        acts: list[tuple[int, Callable[[], None]]] = [
            (5, self.land),
            (2, self.link),
            (8, self.wave),
            (3, self.build_one),
            (2, self.overtaken),
            (2, self.killed),
            (2, self.roll_back),
            (1, self.delete_landed),
            (1, self.delete_built),
            (1, self.another_process),
            (1, self.tick),
        ]
        _, act = self.random.choices(acts, [weight for weight, _ in acts])[0]
        self.log.append(act.__name__)
        act()

    def land(self) -> None:
        choose = self.random.choice
        rows = [
            {
                "id": choose([1, 2, 3, 4, None]),
                "day": choose([date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 4), None]),
                "amount": choose([0, 5, 7, None]),
                "changed": choose([1, 2, 3, None]),
                "seen": choose([1, 2, 3]),
                "arrived": 0,
                "error": choose([None, None, None, "bad"]),
            }
            for _ in range(self.random.randint(1, 5))
        ]
        self.lake.land(EVENTS, rows)

    def link(self) -> None:
        nodes = ["a", "b", "c", "d", "e", None]
        ends = [{"one": self.random.choice(nodes), "other": self.random.choice(nodes)}]
        self.lake.land(LINKS, ends)

    def wave(self) -> None:
        for name in self.lake.transforms:
            self._build(name)

    def build_one(self) -> None:
        self._build(self.random.choice(list(self.lake.transforms)))

    def overtaken(self) -> None:
        """Between computing and commit, another builder builds the same table."""
        other, name = self.lake.builder(), self.random.choice(list(self.lake.transforms))

        def write(*args: Any, **named: Any) -> Any:
            self._patch.setattr(WRITE, writing.write)
            self.land()
            other.build(name, request(as_of=self.as_of))
            return writing.write(*args, **named)

        self._patch.setattr(WRITE, write)
        self._build(name)
        self._patch.setattr(WRITE, writing.write)

    def killed(self) -> None:
        """A build ends between computing and commit, at any of its stages."""

        def write(*_: Any, **__: Any) -> Any:
            raise Killed

        self._patch.setattr(WRITE, write)
        name = self.random.choice(list(self.lake.transforms))
        try:
            self.builder.build(name, request(self.random.choice([*Stage][:2]), self.as_of))
        except Killed:
            self.builder = self.lake.builder()
        self._patch.setattr(WRITE, writing.write)

    def roll_back(self) -> None:
        name = self.random.choice([EVENTS, EVENTS, LINKS, toys.ITEMS.name, toys.TOTALS.name])
        snapshots = [
            s for s in self.lake.state(name).snapshots if "bergline.branch" not in s.summary
        ]
        if snapshots:
            older = self.random.choice(snapshots[-3:])
            with self.lake.handle(name).table.manage_snapshots() as manage:
                manage.create_branch(older.snapshot_id, "main")

    def delete_landed(self) -> None:
        self._delete(EVENTS)

    def delete_built(self) -> None:
        self._delete(toys.ITEMS.name)

    def _delete(self, name: str) -> None:
        """Another engine deletes a row and those of the same id."""
        ids = self.lake.rows(name)["id"].drop_nulls().to_list()
        if ids:
            self.lake.handle(name).table.delete(f"id = {self.random.choice(ids)}")

    def another_process(self) -> None:
        self.builder = self.lake.builder()

    def tick(self) -> None:
        self.as_of += timedelta(days=1)

    def _build(self, name: str) -> None:
        report = self.builder.build(name, request(as_of=self.as_of))
        if report.rebuild is not None:
            self.builder.build(name, request(Stage.REBUILD, self.as_of))
            if self.random.random() < 0.5:
                self.land()
            self.builder.build(name, request(Stage.PUBLISH, self.as_of))

    def verify(self) -> None:
        """Every table holds what a full build of everything in memory gives."""
        memory = MemoryLake(toys.TABLES)
        for name in (EVENTS, LINKS):
            if self.lake.state(name).current_snapshot_id is not None:
                memory.write(name, self.lake.rows(name))
        for name, transform in self.lake.transforms.items():
            memory.build(transform, self.as_of)
            assert_frame_equal(
                self.lake.rows(name),
                memory.tables[name].rows.drop(derivation(transform.target).stamped),
                check_row_order=False,
            )


@pytest.mark.parametrize("seed", range(4))
def test_a_history_ends_equal_to_a_full_build(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(ToyLake(tmp_path, toys.TABLES, toys.TRANSFORMS), seed, monkeypatch)
    try:
        for _ in range(25):
            history.step()
        history.wave()
        history.verify()
    except Exception as error:
        error.add_note(f"seed {seed}: {', '.join(history.log)}")
        raise
