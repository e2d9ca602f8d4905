"""What is over is forgotten after a day, by whoever told it and by those who followed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from services.alerter.states.alert_states import AlertStates
from services.alerter.upkeep import Tidying
from shared.alerting.alert import Alert
from shared.alerting.events import event_of
from shared.alerting.lifecycle import ended
from shared.alerting.series import labels
from tests.unit.alerter.example_rules import LAG, LAGGING, lag, rule
from tests.unit.alerter.group.test_dealing import Desk, alerter, until

DAY_S = timedelta(days=1).total_seconds()


def test_what_is_over_is_forgotten_on_disk_and_in_memory(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.dealing.without_group(0)
        await until(lambda: bool(desk.told))
        desk.lag.vector["lakehouse_consumer_lag_records"] = lag(0)
        desk.evaluation.changed(["lakehouse_consumer_lag_records"])
        await until(lambda: len(desk.told) == 2)
        tidying = Tidying(
            desk.journal,
            desk.standing,
            AlertStates(desk.journal),
            desk.evaluation,
            desk.dealing,
            lambda: False,
        )
        over = desk.told[1].changed_at.timestamp()
        await tidying.tidy(over + DAY_S - 1)
        assert len(desk.standing.of("Lagging")) == len(desk.journal.board.alerts) == 1
        await tidying.tidy(over + DAY_S)
        assert not desk.standing.of("Lagging")
        assert not desk.journal.board.alerts

    alerter(tmp_path, scenario)


def test_what_its_owner_has_forgotten_is_forgotten_and_what_fires_is_not(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        firing = Alert("f1", "Lagging", labels(topic="a"), "firing", 1, 1.0, 0.0, 0.0)
        gone, here = (
            ended(replace(firing, fingerprint=name, labels=labels(topic=name)), "series_gone", 1.0)
            for name in ("f2", "f3")
        )
        desk.standing.keep([firing, gone, here])
        desk.journal.follow(event_of(here, rule(LAGGING)))
        states = AlertStates(desk.journal)
        tidying = Tidying(
            desk.journal, desk.standing, states, desk.evaluation, desk.dealing, lambda: False
        )
        await tidying.tidy(2.0)
        left = {each.fingerprint for each in desk.standing.of("Lagging").values()}
        assert left == {"f1", "f3"}

    alerter(tmp_path, scenario)


def test_what_is_being_recorded_as_begun_is_not_forgotten(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.dealing.without_group(0)
        await until(lambda: bool(desk.told))
        desk.lag.vector[LAG] = lag(0)
        desk.evaluation.changed([LAG])
        await until(lambda: len(desk.told) == 2)
        over = desk.told[1]
        tidying = Tidying(
            desk.journal,
            desk.standing,
            AlertStates(desk.journal),
            desk.evaluation,
            desk.dealing,
            lambda: False,
        )
        desk.found.clear()
        desk.disk.clear()
        desk.lag.vector[LAG] = lag(500)
        desk.evaluation.changed([LAG])
        await desk.found.wait()
        tidy = asyncio.create_task(tidying.tidy(over.changed_at.timestamp() + DAY_S))
        await asyncio.sleep(0)
        desk.disk.set()
        await tidy
        await until(lambda: len(desk.told) == 3)
        (held,) = desk.standing.of("Lagging").values()
        assert (held.state, held.transition) == ("firing", over.transition + 1)
        assert list(desk.journal.board.alerts) == [over.fingerprint]

    alerter(tmp_path, scenario)
