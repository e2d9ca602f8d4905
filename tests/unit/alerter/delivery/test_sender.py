"""One receiver's loop, over real connections and through every fault that a receiver has."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, replace

import orjson
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.alerter.delivery.links import Links
from services.alerter.delivery.notifier import NotDelivered, Notifier
from services.alerter.delivery.outcomes import Outcomes
from services.alerter.delivery.retrying import Pace
from services.alerter.delivery.sender import Sender
from services.alerter.delivery.webhook import WebhookNotifier
from shared.alerting.notifying.notification import Notification
from shared.contracts.alerts import AlertNotified
from shared.runtime.errors import ConfigurationError
from shared.runtime.metrics import Instruments
from tests.support.alert_receiver import HANG, LOST, Answer, Received, alert_receiver
from tests.support.notifications import alert, notification

PACE = Pace(6000, 100, first_s=0.01, longest_s=0.02, attempts=3, rest_s=3600)
FIRING = notification([alert(table="a")], group="table=a")
OVER = notification([alert(table="a", state="resolved", transition=3)], group="table=a")
OTHER = notification([alert(table="b")], group="table=b")


class Desk:
    """A sender, and what it recorded."""

    def __init__(
        self,
        notifier: Notifier,
        pace: Pace,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.recorded: list[AlertNotified] = []
        self.instruments = Instruments("alerter")
        self._changed = asyncio.Condition()
        self.sender = Sender(
            "desk",
            notifier,
            pace,
            self._record,
            Outcomes(self.instruments, "desk"),
            **({} if clock is None else {"clock": clock}),
        )
        self.broken = 0

    async def _record(self, event: AlertNotified) -> None:
        if self.broken:
            self.broken -= 1
            raise OSError("no space left")
        async with self._changed:
            self.recorded.append(event)
            self._changed.notify_all()

    async def until(self, number: int) -> list[AlertNotified]:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.recorded) >= number)
        return self.recorded

    def counted(self, outcome: str) -> float:
        total = self.instruments.counter("lakehouse_notifications_total")
        return float(total.labels("desk", outcome)._value.get())


@contextlib.asynccontextmanager
async def desk(
    url: str, pace: Pace = PACE, timeout_s: float = 30, limit_s: float = 30
) -> AsyncIterator[Desk]:
    made = Desk(WebhookNotifier(SecretStr(url), Links(), timeout_s=timeout_s), pace)
    made.sender.start()
    try:
        yield made
    finally:
        await made.sender.close(limit_s)


def keys(received: list[Received]) -> list[str]:
    return [each.headers["Idempotency-Key"] for each in received]


@pytest.mark.asyncio
async def test_what_was_taken_is_recorded_and_not_sent_again() -> None:
    async with alert_receiver() as receiver, desk(receiver.url) as told:
        told.sender.offer([FIRING])
        [record] = await told.until(1)
        told.sender.offer([FIRING])
        told.sender.offer([FIRING, OTHER])
        await told.until(2)

    assert keys(receiver.received) == [FIRING.idempotency_key, OTHER.idempotency_key]
    assert (record.receiver, record.group) == ("desk", "table=a")
    assert record.idempotency_key == FIRING.idempotency_key
    assert record.alerts == FIRING.told
    assert told.counted("delivered") == 2


class Looking:
    """A receiver that looks at what is on record when it is told."""

    def __init__(self) -> None:
        self.desk: Desk | None = None
        self.seen: list[list[bool]] = []

    async def prepare(self) -> None: ...

    async def close(self) -> None: ...

    async def notify(self, _notification: Notification) -> None:
        assert self.desk is not None
        self.seen.append([each.taken for each in self.desk.recorded])


@pytest.mark.asyncio
async def test_that_an_alert_is_about_to_be_told_is_on_record_before_it_is_sent() -> None:
    receiver = Looking()
    receiver.desk = told = Desk(receiver, PACE)
    told.sender.start()
    told.sender.offer([replace(FIRING, begun=FIRING.told)])
    begun, taken = await told.until(2)
    await told.sender.close(30)

    assert receiver.seen == [[False]]
    assert begun.alerts == taken.alerts == FIRING.told
    assert (begun.taken, taken.taken) == (False, True)


@pytest.mark.parametrize(
    "fault",
    [
        Answer(500),
        Answer(503, {"Retry-After": "0"}),
        Answer(429, {"Retry-After": "0"}),
        LOST,
        HANG,
    ],
    ids=lambda each: each if isinstance(each, str) else str(each.status),
)
@pytest.mark.asyncio
async def test_after_a_passing_fault_the_same_arrives_under_the_same_key(
    fault: Answer | str,
) -> None:
    async with (
        alert_receiver(fault, fault) as receiver,
        desk(receiver.url, timeout_s=0.5 if fault == HANG else 30) as told,
    ):
        told.sender.offer([FIRING])
        await told.until(1)

    assert keys(receiver.received) == [FIRING.idempotency_key] * 3
    assert len({each.body for each in receiver.received}) == 1
    assert (told.counted("failed"), told.counted("delivered")) == (2, 1)


@pytest.mark.asyncio
async def test_a_receiver_that_is_not_there_is_found_when_it_comes() -> None:
    async with alert_receiver() as gone:
        pass
    notifier = Sometimes(WebhookNotifier(SecretStr(gone.url), Links()), failures=2)
    told = Desk(notifier, PACE)
    told.sender.start()
    async with alert_receiver() as receiver:
        notifier.then = WebhookNotifier(SecretStr(receiver.url), Links())
        told.sender.offer([FIRING])
        await told.until(1)
    await told.sender.close(30)

    assert keys(receiver.received) == [FIRING.idempotency_key]
    assert told.counted("failed") == 2


@pytest.mark.asyncio
async def test_after_so_many_attempts_it_is_given_up_and_told() -> None:
    faults = [Answer(500)] * 3
    with capture_logs() as lines:
        async with alert_receiver(*faults) as receiver, desk(receiver.url) as told:
            told.sender.offer([FIRING])
            await receiver.until(3)
            told.sender.offer([FIRING, OTHER])
            await told.until(1)

    assert keys(receiver.received) == [FIRING.idempotency_key] * 3 + [OTHER.idempotency_key]
    assert told.counted("gave_up") == 1
    [line] = [each for each in lines if each["log_level"] == "error"]
    assert (line["receiver"], line["group"], line["reason"]) == ("desk", "table=a", "answered 500")


@pytest.mark.asyncio
async def test_an_end_is_tried_for_as_long_as_it_takes() -> None:
    faults: list[Answer | str] = [Answer(500), LOST] * 10
    async with alert_receiver(*faults) as receiver, desk(receiver.url) as told:
        told.sender.offer([OVER])
        await told.until(1)

    assert keys(receiver.received) == [OVER.idempotency_key] * 21
    assert told.counted("gave_up") == 0


@pytest.mark.asyncio
async def test_while_a_receiver_is_away_only_the_newest_state_waits() -> None:
    async with alert_receiver(HANG, Answer(500)) as receiver, desk(receiver.url) as told:
        told.sender.offer([FIRING])
        await receiver.until(1)
        told.sender.offer([OVER])
        receiver.let_go()
        await told.until(1)

    assert keys(receiver.received)[-2:] == [OVER.idempotency_key] * 2
    assert [each.idempotency_key for each in told.recorded] == [OVER.idempotency_key]


@pytest.mark.asyncio
async def test_what_is_over_before_it_was_told_is_not_told() -> None:
    async with alert_receiver(HANG) as receiver, desk(receiver.url) as told:
        told.sender.offer([OTHER, FIRING])
        await receiver.until(1)
        told.sender.offer([OTHER])
        receiver.let_go()
        await told.until(1)

    assert FIRING.idempotency_key not in keys(receiver.received)
    assert told.counted("withdrawn") == 1


@pytest.mark.asyncio
async def test_one_that_hangs_does_not_hold_up_another() -> None:
    async with (
        alert_receiver(HANG) as slow,
        alert_receiver() as fast,
        desk(slow.url, limit_s=0) as held,
        desk(fast.url) as told,
    ):
        held.sender.offer([FIRING])
        await slow.until(1)
        told.sender.offer([FIRING])
        await told.until(1)
        assert held.recorded == []


@pytest.mark.asyncio
async def test_a_burst_is_sent_at_once_and_the_rest_waits_for_the_rate() -> None:
    now = 0.0
    many = [notification([alert(table=str(each))], group=f"table={each}") for each in range(5)]
    async with alert_receiver() as receiver:
        notifier = WebhookNotifier(SecretStr(receiver.url), Links())
        told = Desk(notifier, Pace(per_minute=1, burst=3), clock=lambda: now)
        told.sender.start()
        told.sender.offer(many)
        await told.until(3)
        assert told.sender.waiting == 2
        now = 60.0
        told.sender.offer(many)
        await told.until(4)
        await told.sender.close(30)

    assert len(receiver.received) == 4


@pytest.mark.asyncio
async def test_at_the_end_what_is_due_is_sent_and_what_hangs_is_left() -> None:
    async with alert_receiver() as receiver:
        told = Desk(WebhookNotifier(SecretStr(receiver.url), Links()), PACE)
        told.sender.start()
        told.sender.offer([FIRING, OTHER])
        await told.sender.close(30)
    assert len(told.recorded) == 2

    async with alert_receiver(HANG) as receiver:
        told = Desk(WebhookNotifier(SecretStr(receiver.url), Links()), PACE)
        told.sender.start()
        told.sender.offer([FIRING])
        await receiver.until(1)
        await told.sender.close(0)
    assert told.recorded == []


@pytest.mark.asyncio
async def test_what_the_process_had_not_recorded_the_next_one_tells_under_the_same_key() -> None:
    async with alert_receiver() as receiver:
        first = Desk(WebhookNotifier(SecretStr(receiver.url), Links()), PACE)
        first.broken = 1  # it ends between the two
        first.sender.start()
        first.sender.offer([OVER])
        await receiver.until(1)
        await first.sender.close(30)

        async with desk(receiver.url) as second:
            second.sender.offer([OVER])
            await second.until(1)

    assert first.recorded == []
    assert keys(receiver.received) == [OVER.idempotency_key] * 2
    assert len({orjson.loads(each.body)["idempotencyKey"] for each in receiver.received}) == 1


@pytest.mark.asyncio
async def test_what_cannot_be_recorded_is_said_and_not_sent_over_and_over() -> None:
    with capture_logs() as lines:
        async with alert_receiver() as receiver, desk(receiver.url) as told:
            told.broken = 1
            told.sender.offer([FIRING])
            await receiver.until(1)
            told.sender.offer([FIRING, OTHER])
            await told.until(1)

    assert keys(receiver.received) == [FIRING.idempotency_key, OTHER.idempotency_key]
    assert [each["error"] for each in lines if each["log_level"] == "error"] == ["OSError"]


@pytest.mark.asyncio
async def test_a_receiver_that_can_never_work_is_told_at_start() -> None:
    class Wrong(Sometimes):
        async def prepare(self) -> None:
            raise ConfigurationError("its URL is none")

    with capture_logs() as lines:
        told = Desk(Wrong(), PACE)
        told.sender.start()
        told.sender.offer([FIRING])
        await told.until(1)
        await told.sender.close(30)

    assert {"receiver": "desk", "reason": "its URL is none"}.items() <= lines[0].items()


@pytest.mark.asyncio
async def test_an_error_of_a_library_is_a_failure_whose_text_stays_inside() -> None:
    with capture_logs() as lines:
        told = Desk(Sometimes(failures=1, error=RuntimeError("https://host/T0KEN")), PACE)
        told.sender.start()
        told.sender.offer([FIRING])
        await told.until(1)
        await told.sender.close(30)

    assert "RuntimeError" in str(lines)
    assert "T0KEN" not in str(lines)


class Sometimes:
    """Fails so many times, or asks the first, and then asks the second."""

    def __init__(
        self,
        first: Notifier | None = None,
        failures: int = 0,
        error: Exception | None = None,
    ) -> None:
        self.first = first
        self.then: Notifier | None = None
        self.failures = failures
        self.error = error or NotDelivered("no", again=True)

    async def prepare(self) -> None:
        return

    async def notify(self, told: Notification) -> None:
        if self.failures:
            self.failures -= 1
            if self.first is None:
                raise self.error
            await self.first.notify(told)
        elif self.then is not None:
            await self.then.notify(told)

    async def close(self) -> None:
        for each in (self.first, self.then):
            if each is not None:
                await each.close()


@pytest.mark.asyncio
async def test_a_fault_of_ours_ends_no_receiver() -> None:
    reached = asyncio.Event()

    class Faulty(Notification):
        __slots__ = ()

        def taken(self, at: float) -> tuple[AlertNotified, ...]:
            reached.set()
            raise RuntimeError("a fault")

    faulty = Faulty(*(getattr(FIRING, each.name) for each in fields(FIRING)))
    with capture_logs() as lines:
        told = Desk(Sometimes(), PACE)
        told.sender.start()
        told.sender.offer([faulty])
        await reached.wait()
        told.sender.offer([OTHER])
        await told.until(1)
        await told.sender.close(30)

    assert [each.group for each in told.recorded] == ["table=b"]
    assert "telling a receiver failed" in {each["event"] for each in lines}
