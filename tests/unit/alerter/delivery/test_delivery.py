"""Everybody is told what stands on the board: by our notifiers, or by Alertmanager, never both."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import orjson
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.alerter.delivery import delivery as module
from services.alerter.delivery.alertmanager import AlertmanagerPush
from services.alerter.delivery.delivery import Delivery
from services.alerter.delivery.sender import Sender
from services.alerter.delivery.settings import DeliverySettings
from shared.alerting.board import Board
from shared.alerting.notifying.receiver import Receiver, ReceiverType
from shared.alerting.notifying.routing import Escalation, Route, Routing
from shared.contracts.alerts import AlertChanged, AlertNotified
from shared.runtime.errors import ConfigurationError
from shared.runtime.metrics import Instruments
from tests.support.alert_receiver import Answer, alert_receiver
from tests.support.notifications import alert

TOKEN = "T0KEN"


class Alerter:
    """A board, and a delivery that tells what stands on it."""

    def __init__(self, path: Literal["notifiers", "alertmanager", "none"] = "notifiers") -> None:
        self.board = Board()
        self.instruments = Instruments("alerter")
        self.delivery = Delivery(
            DeliverySettings(alerter_delivery=path), self.instruments, self._record
        )
        self._changed = asyncio.Condition()

    async def _record(self, event: AlertNotified) -> None:
        self.board.take(event.key(), event)
        await self.tell()
        async with self._changed:
            self._changed.notify_all()

    async def tell(self, *alerts: AlertChanged) -> None:
        for each in alerts:
            self.board.take(each.key(), each)
        await self.delivery.tell(self.board, lambda name: name != "another's")

    async def until(self, condition: Callable[[list[AlertNotified]], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: condition([each for each in self.board.notified.values() if each.taken])
            )


def routing(*receivers: Receiver) -> Routing:
    """All of them are told everything at once."""
    root = Route(
        receivers[0].name,
        group_wait_s=0,
        group_interval_s=0,
        escalations=tuple(Escalation(0, each.name) for each in receivers[1:]),
    )
    return Routing({each.name: each for each in receivers}, root, ())


def at(url: str, name: str = "desk", kind: ReceiverType = "webhook") -> Receiver:
    return Receiver(name, kind, SecretStr(f"{url}/{TOKEN}"))


def now(told: AlertChanged) -> AlertChanged:
    moment = datetime.now(UTC)
    over = told.state == "resolved"
    return told.model_copy(
        update={
            "active_at": moment - timedelta(minutes=2),
            "fired_at": moment - timedelta(minutes=1),
            "resolved_at": moment if over else None,
            "changed_at": moment if over else moment - timedelta(minutes=1),
        }
    )


@pytest.mark.asyncio
async def test_what_fires_and_what_is_over_is_told_and_recorded() -> None:
    alerter = Alerter()
    firing, over = now(alert(table="a")), now(alert(table="a", state="resolved", transition=3))
    async with alert_receiver(Answer(500)) as receiver:
        alerter.delivery.configure(routing(at(receiver.url)))
        await alerter.tell(firing, now(alert("another's")))
        await alerter.until(lambda records: len(records) == 1)
        await alerter.tell(over)
        await receiver.until(3)
        await alerter.delivery.close(30)

    bodies = [orjson.loads(each.body) for each in receiver.received]
    assert [each["status"] for each in bodies] == ["firing", "firing", "resolved"]
    assert {each["fingerprint"] for body in bodies for each in body["alerts"]} == {
        firing.fingerprint
    }


@pytest.mark.asyncio
async def test_a_receiver_that_is_down_does_not_hold_up_another() -> None:
    alerter = Alerter()
    async with alert_receiver(*[Answer(503)] * 50) as down, alert_receiver() as up:
        alerter.delivery.configure(routing(at(down.url, "down"), at(up.url, "up")))
        await alerter.tell(now(alert(table="a")))
        await alerter.until(lambda records: [each.receiver for each in records] == ["up"])
        await down.until(1)
        while not alerter.delivery.unreached:  # noqa: ASYNC110 - its answer is on its way
            await asyncio.sleep(0)
        assert alerter.delivery.unreached == ["down"]
        await alerter.delivery.close(0)


@pytest.mark.asyncio
async def test_routes_may_change_while_it_runs() -> None:
    alerter = Alerter()
    async with alert_receiver() as first, alert_receiver() as second:
        alerter.delivery.configure(routing(at(first.url)))
        await alerter.tell(now(alert(table="a")))
        await alerter.until(lambda records: len(records) == 1)
        alerter.delivery.configure(routing(at(second.url)))
        await alerter.tell(now(alert("MinIODown", table="b")))
        await alerter.until(lambda records: len(records) == 2)
        assert alerter.delivery.info()["receivers"] == {"desk": 0}
        # The one before it ends meanwhile, and has the same name.
        await asyncio.gather(*alerter.delivery._closing)
        assert b'lakehouse_notification_queue{receiver="desk"}' in alerter.instruments.exposition()
        await alerter.delivery.close(30)

    assert [len(first.received), len(second.received)] == [1, 1]
    assert b"lakehouse_notification_queue{" not in alerter.instruments.exposition()


@pytest.mark.asyncio
async def test_an_error_of_ours_is_not_the_end_of_telling_an_alertmanager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alerter = Alerter("alertmanager")
    alike = AlertmanagerPush._body
    wrong = [True]

    def body(push: AlertmanagerPush, alerts: Sequence[AlertChanged], at: float) -> bytes:
        if wrong and wrong.pop():
            raise TypeError
        return alike(push, alerts, at)

    monkeypatch.setattr(AlertmanagerPush, "_body", body)
    async with alert_receiver() as manager:
        alerter.delivery.configure(routing(at(manager.url, "one", "alertmanager")))
        await alerter.tell(now(alert()))
        await manager.until(1)
        await alerter.delivery.close(1)


@pytest.mark.asyncio
async def test_an_alertmanager_is_handed_everything_and_nobody_else_is_told() -> None:
    alerter = Alerter("alertmanager")
    async with alert_receiver() as manager:
        alerter.delivery.configure(
            routing(at(manager.url, "one", "alertmanager"), at(manager.url, "two", "alertmanager"))
        )
        await alerter.tell(now(alert(table="a")), now(alert("another's")))
        await manager.until(2)
        await alerter.delivery.close(30)

    assert {each.path for each in manager.received} == {f"/{TOKEN}/api/v2/alerts"}
    rules = [[one["labels"]["alertname"] for one in orjson.loads(x.body)] for x in manager.received]
    assert rules == [["KafkaConsumerLagHigh"]] * 2
    assert not alerter.board.notified


@pytest.mark.asyncio
async def test_by_setting_nobody_is_told() -> None:
    alerter = Alerter("none")
    alerter.delivery.configure(routing(at("http://127.0.0.1:1")))
    await alerter.tell(now(alert(table="a")))

    assert alerter.delivery.info() == {"path": "none", "receivers": {}, "alertmanagers": []}
    await alerter.delivery.close(0)


@pytest.mark.parametrize(
    ("path", "receivers", "says"),
    [
        ("notifiers", [at("http://x", "am", "alertmanager")], 'receivers "am" are Alertmanagers'),
        (
            "alertmanager",
            [at("http://x", "am", "alertmanager"), at("http://x", "b"), at("http://x", "a")],
            'alerting.yaml has the receivers "a", "b"',
        ),
        ("alertmanager", [], "no receiver of that type"),
        (
            "notifiers",
            [replace(at("http://x"), secret=SecretStr(TOKEN))],
            'receiver "desk": the secret',
        ),
    ],
)
@pytest.mark.asyncio
async def test_what_does_not_fit_together_is_said_with_what_to_do(
    path: Literal["notifiers", "alertmanager"], receivers: list[Receiver], says: str
) -> None:
    alerter = Alerter(path)
    named = {each.name: each for each in receivers}
    with pytest.raises(ConfigurationError, match=says) as caught:
        alerter.delivery.configure(Routing(named, None, ()))

    assert caught.value.next_step
    assert TOKEN not in str(caught.value)


@pytest.mark.asyncio
async def test_no_log_metric_or_page_shows_an_address() -> None:
    alerter = Alerter()
    with capture_logs() as lines:
        async with alert_receiver(Answer(500), Answer(404)) as receiver:
            alerter.delivery.configure(routing(at(receiver.url)))
            await alerter.tell(now(alert(table="a")))
            await receiver.until(2)
            await alerter.delivery.close(30)

    shown = f"{lines} {alerter.delivery.info()} {alerter.instruments.exposition().decode()}"
    assert "receiver is not reached" in shown
    assert 'lakehouse_notifications_total{outcome="gave_up",receiver="desk"} 1.0' in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("most", [3, 400])
@pytest.mark.asyncio
async def test_thousands_of_alerts_are_planned_in_slices(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Between which others have their turn; told is what stands at the end."""
    monkeypatch.setattr(module, "MOST_SLICES", most)
    offered: list[list[str]] = []
    monkeypatch.setattr(
        Sender, "offer", lambda _self, due: offered.append([each.group for each in due])
    )
    seconds = itertools.count()
    delivery = Delivery(
        DeliverySettings(), Instruments("alerter"), _not_told, clock=lambda: next(seconds)
    )
    delivery.configure(routing(at("http://127.0.0.1:1")))
    board, turns = Board(), 0
    for number in range(30):
        each = now(alert(f"Rule{number}"))
        board.take(each.key(), each)

    looking = asyncio.create_task(delivery.tell(board, lambda _name: True))
    while not looking.done():
        turns += 1
        if turns == 2:
            for each in list(board.alerts.values())[5:]:
                board.take(each.key(), each.model_copy(update={"state": "inactive"}))
        await asyncio.sleep(0)
    assert [sorted(each) for each in offered] == [[f"alertname=Rule{n}" for n in range(5)]]
    assert turns > min(most, 20)
    assert looking.result().took_s > turns / 2, "each slice is counted"
    await delivery.close(0)


async def _not_told(_record: AlertNotified) -> None:
    raise AssertionError
