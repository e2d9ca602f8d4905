"""Alerts pushed to a real Alertmanager, and to one that comes late."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from pydantic import SecretStr

from services.alerter.delivery.alertmanager import AlertmanagerPush
from services.alerter.delivery.links import Links
from services.alerter.delivery.outcomes import Outcomes
from services.alerter.delivery.retrying import Pace
from shared.contracts.alerts import AlertChanged, AlertState
from shared.runtime.metrics import Instruments
from tests.support.alert_receiver import LOST, Answer, alert_receiver
from tests.support.alertmanager import PROGRAM, WHY_NOT, alertmanager
from tests.support.notifications import alert

LINKS = Links("https://alerts.example", "https://docs.example")
PACE = Pace(first_s=0.01, longest_s=0.02)


def push(url: str, **options: Any) -> AlertmanagerPush:
    outcomes = Outcomes(Instruments("alerter"), "alertmanager-1")
    return AlertmanagerPush("alertmanager-1", SecretStr(url), LINKS, outcomes, pace=PACE, **options)


def changed(table: str, state: AlertState = "firing", transition: int = 2) -> AlertChanged:
    """An alert of just now: Alertmanager compares with its clock."""
    now = datetime.now(UTC)
    return alert(state=state, transition=transition, table=table).model_copy(
        update={
            "active_at": now - timedelta(seconds=20),
            "fired_at": now - timedelta(seconds=10),
            "resolved_at": now - timedelta(seconds=1) if state == "resolved" else None,
            "changed_at": now,
        }
    )


async def active(url: str, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Alerts that it has, as soon as they are so."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            async with session.get(f"{url}/api/v2/alerts") as response:
                found: list[dict[str, Any]] = await response.json()
            if until(found):
                return found
            await asyncio.sleep(0.02)


@pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT)
@pytest.mark.asyncio
async def test_a_real_alertmanager_has_what_fires_and_loses_what_is_over(tmp_path: Path) -> None:
    with alertmanager(tmp_path) as url:
        pushed = push(f"{url}/")
        pushed.start()
        first, second = changed("raw.a"), changed("raw.b")
        pushed.stand([first, second])

        found = await active(url, lambda alerts: len(alerts) == 2)
        [told] = [each for each in found if each["labels"]["table"] == "raw.a"]
        assert told["labels"] == {
            "alertname": "KafkaConsumerLagHigh",
            "severity": "warning",
            "team": "data-engineering",
            "table": "raw.a",
        }
        assert told["annotations"]["runbook_url"] == "https://docs.example/alerts.md#consumer-lag"
        assert told["generatorURL"] == "https://alerts.example"
        assert told["status"]["state"] in {"active", "unprocessed"}
        assert first.fired_at is not None
        assert told["startsAt"] == first.fired_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

        pushed.stand([changed("raw.a", "resolved", 3), second])
        [left] = await active(url, lambda alerts: len(alerts) == 1)
        assert left["labels"]["table"] == "raw.b"
        await pushed.close(10)


@pytest.mark.asyncio
async def test_after_refusals_and_lost_answers_everything_is_told() -> None:
    async with alert_receiver(Answer(503), LOST, Answer(500)) as receiver:
        pushed = push(receiver.url)
        pushed.start()
        pushed.stand([changed("raw.a")])
        await receiver.until(4)
        pushed.stand([changed("raw.a", "resolved", 3)])
        await receiver.until(5)
        await pushed.close(10)

    assert {each.path for each in receiver.received} == {"/api/v2/alerts"}
    last, before = receiver.received[-1], receiver.received[-2]
    [over], [firing] = orjson.loads(last.body), orjson.loads(before.body)
    now = datetime.now(UTC)
    assert datetime.fromisoformat(over["endsAt"]) < now < datetime.fromisoformat(firing["endsAt"])


@pytest.mark.asyncio
async def test_what_it_does_not_accept_is_tried_again_only_with_the_next_round() -> None:
    now = datetime.now(UTC).timestamp()
    alerts = [changed(f"raw.{name}") for name in "abc"]
    async with alert_receiver(Answer(400)) as receiver:
        pushed = push(receiver.url, now=lambda: now, resend_s=60)
        pushed.start()
        pushed.stand(alerts[:1])
        await receiver.until(1)
        pushed.stand(alerts[:2])
        await receiver.until(2)
        now += 61
        pushed.stand(alerts)
        await receiver.until(3)
        await pushed.close(10)

    tables = [
        {each["labels"]["table"] for each in orjson.loads(request.body)}
        for request in receiver.received
    ]
    assert tables == [{"raw.a"}, {"raw.b"}, {"raw.a", "raw.b", "raw.c"}]


@pytest.mark.asyncio
async def test_many_alerts_are_told_in_several_requests() -> None:
    async with alert_receiver() as receiver:
        pushed = push(receiver.url)
        pushed.stand([changed(f"raw.{number}") for number in range(150)])
        pushed.start()
        await pushed.close(30)

    assert [len(orjson.loads(each.body)) for each in receiver.received] == [64, 64, 22]
