"""The slow comparison asks for what is missing, and for nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import pytest

from services.transformer.building.live import RENEWED_MS
from services.transformer.planning.planner import Planner
from services.transformer.planning.wishes import Patience, Start
from services.transformer.reconciling.reconciler import AGAIN_S, Reconciler
from services.transformer.reconciling.survey import Looked, Survey
from shared.contracts.plans import PlannedBuild
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import Unavailable
from shared.runtime.open_waves import Waves
from tests.unit.runtime.test_open_waves import landed
from tests.unit.transformer.planning.test_planner import TABLES, wish

TODAY = date(2026, 11, 26)


def looked(mode: str, wanted: object = None, *, ticked: bool = False) -> Looked:
    build = PlannedBuild.model_validate({"target": "x.staging", "mode": mode, "reason": "moved"})
    return Looked(build, wanted, ticked, state=None, behind=0)


class Seen(Survey):
    """Sees what a test lets it see."""

    def __init__(self) -> None:
        self.found: dict[str, Looked] = {}
        self.failures = 0
        self.looks = 0
        self.during: Any = None

    async def look(self, targets: Collection[str], as_of: date) -> Mapping[str, Looked]:
        self.looks += 1
        if self.failures:
            self.failures -= 1
            raise Unavailable("no catalog")
        if self.during is not None:
            self.during()
        return {target: self.found.get(target, looked("nothing")) for target in targets}


class Bench:
    def __init__(self, again_s: float = AGAIN_S) -> None:
        self.planner = Planner(TABLES, 2, Patience())
        self.planner.own(self.planner.targets)
        self.survey, self.waves = Seen(), Waves(TABLES)
        self.told: list[Mapping[str, Looked]] = []
        self.reconciler = Reconciler(
            self.planner, self.survey, self.waves, lambda: TODAY, 600.0, self.told.append, again_s
        )

    async def look(self) -> list[Start]:
        """One look, and what is begun then."""
        if self.survey.looks == 0:
            self.reconciler.start()
        else:
            self.reconciler.soon()
        async with asyncio.timeout(5):
            await self.reconciler.looked.wait()
        return self.planner.starts(1e9)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.asyncio
async def test_what_does_not_hold_its_inputs_is_built(bench: Bench) -> None:
    bench.waves.committed(landed(3, 30))
    bench.survey.found["x.staging"] = looked("incremental", "cut 3")
    (start,) = await bench.look()
    assert (start.target, start.wish.cause) == ("x.staging", "reconcile")
    assert (start.wish.wave, start.wish.reason) == ("x.raw/3", "moved")
    assert set(bench.told[0]) == set(bench.planner.targets)
    await bench.reconciler.stop()


@pytest.mark.asyncio
async def test_the_turn_of_the_day_is_a_wave_of_its_own(bench: Bench) -> None:
    bench.survey.found["x.staging"] = looked("incremental", "cut 3", ticked=True)
    (start,) = await bench.look()
    assert (start.wish.cause, start.wish.wave) == ("tick", "tick/2026-11-26")
    await bench.reconciler.stop()


@pytest.mark.asyncio
async def test_what_a_build_found_to_be_nothing_is_not_asked_for_again(bench: Bench) -> None:
    bench.survey.found["x.staging"] = looked("incremental", "compacted")
    (start,) = await bench.look()
    bench.planner.succeeded(start)
    bench.reconciler.built("x.staging")
    assert await bench.look() == []
    assert bench.reconciler.in_vain("x.staging", "compacted")
    bench.survey.found["x.staging"] = looked("incremental", "more")
    assert [start.target for start in await bench.look()] == ["x.staging"]
    await bench.reconciler.stop()


@pytest.mark.asyncio
async def test_what_was_nothing_is_asked_for_again_before_the_snapshots_it_recorded_are_gone() -> (
    None
):
    bench = Bench(again_s=0.0)
    bench.survey.found["x.staging"] = looked("incremental", "compacted")
    (start,) = await bench.look()
    bench.planner.succeeded(start)
    bench.reconciler.built("x.staging")
    assert [each.target for each in await bench.look()] == ["x.staging"]
    assert ThinningPolicy().pinned_ms > AGAIN_S * 1000 + RENEWED_MS
    await bench.reconciler.stop()


@pytest.mark.asyncio
async def test_what_failed_is_asked_for_again(bench: Bench) -> None:
    bench.survey.found["x.staging"] = looked("incremental", "cut 3")
    (start,) = await bench.look()
    bench.planner.own(())
    bench.planner.failed(start, 0.0)
    bench.planner.own(bench.planner.targets)
    assert [each.target for each in await bench.look()] == ["x.staging"]
    await bench.reconciler.stop()


@pytest.mark.asyncio
async def test_what_is_being_built_or_was_built_meanwhile_is_left_to_the_next_look(
    bench: Bench,
) -> None:
    bench.survey.found["x.staging"] = looked("incremental", "cut 3")
    bench.planner.want("x.staging", wish())
    (start,) = bench.planner.starts(0.0)
    assert await bench.look() == []
    bench.planner.succeeded(start)
    bench.survey.during = lambda: bench.reconciler.built("x.staging")
    assert await bench.look() == []
    bench.survey.during = None
    assert len(await bench.look()) == 1
    await bench.reconciler.stop()


@pytest.mark.asyncio
async def test_a_catalog_that_is_away_is_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.transformer.reconciling.reconciler.RETRY_S", 0.0)
    bench.survey.failures = 2
    bench.survey.found["x.staging"] = looked("full", "all")
    assert [start.target for start in await bench.look()] == ["x.staging"]
    assert bench.survey.looks == 3
    await bench.reconciler.stop()
