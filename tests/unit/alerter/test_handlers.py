"""What operators say: verified, carried out once, and not taken back by what was said before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.alerter.handlers import Handlers
from services.alerter.states.said import event_of
from shared.alerting.board import Board
from shared.contracts.alerts import AlertAcknowledged, AlertChanged, AlertSilenced
from shared.contracts.commands import (
    AcknowledgeArguments,
    Action,
    CommandIssued,
    SilenceArguments,
)
from shared.contracts.environment import Environment
from shared.contracts.event import Event
from shared.contracts.topics import ALERT_STATES, COMMANDS
from shared.runtime.errors import ConfigurationError, Refused
from shared.runtime.progress import Progress

DEV = Environment("dev")
KEY = "operator-key"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRING = AlertChanged(
    fingerprint="00f1",
    transition=2,
    state="firing",
    rule="Lagging",
    severity="warning",
    active_at=NOON - HOUR,
    changed_at=NOON - HOUR,
)


def silence(matchers: str = "team=platform", ends_at: datetime = NOON + HOUR) -> dict[str, str]:
    return SilenceArguments(matchers=matchers, ends_at=ends_at, comment="works").to_arguments()


def command(
    action: Action = "silence",
    target: str = "silence-1",
    issued_at: datetime = NOON,
    command_id: str = "command-1",
    key: str = KEY,
    given: dict[str, str] | None = None,
) -> CommandIssued:
    return CommandIssued(
        command_id=command_id,
        service="alerter",
        action=action,
        target=target,
        arguments=given or (silence() if action == "silence" else {}),
        actor="ada@example.com",
        issued_at=issued_at,
    ).signed(key)


class Desk:
    """Handlers of the alerter that has the commands, and the board that they read."""

    def __init__(self, key: str | None = KEY) -> None:
        self.board = Board()
        self.progress = Progress()
        self.kept: list[Event] = []
        self.dealt: list[frozenset[int]] = []
        self.dealing = 0
        self.handlers = Handlers(
            self.progress,
            self.board,
            self._keep,
            DEV,
            key,
            self.dealt.append,
            self._dealing,
            lambda: 3,
        )
        self._offset = 0
        self.handlers.assigned([(DEV.topic(ALERT_STATES), 2), (DEV.topic(COMMANDS), 0)])

    async def _keep(self, event: Event) -> None:
        self.kept.append(event)
        self.board.take(event.key(), event)

    def _dealing(self) -> None:
        self.dealing += 1

    def take(self, *events: Event | bytes) -> None:
        for event in events:
            value = event if isinstance(event, bytes) else event.encode()[1]
            self._offset += 1
            self.handlers.on_record(DEV.topic(COMMANDS), 0, self._offset, value)

    def carry_out(self) -> None:
        """Until no command waits."""

        async def run() -> None:
            task = asyncio.create_task(self.handlers.run())
            async with asyncio.timeout(20):
                while self.stored() != self._offset + 1:  # noqa: ASYNC110 - no event tells it
                    await asyncio.sleep(0)
            task.cancel()

        asyncio.run(run())

    def stored(self) -> int | None:
        return self.progress.offsets().get((COMMANDS, 0))


def test_a_silence_is_kept_and_counts_as_read_only_then() -> None:
    desk = Desk()
    far = datetime.now(UTC) + HOUR
    said = silence('severity=warning\ntable=~"raw.*"', far)
    desk.take(command(given=said, issued_at=datetime.now(UTC)))
    assert desk.stored() == 1, "the command is read again after a crash"
    desk.carry_out()
    [event] = desk.kept
    assert isinstance(event, AlertSilenced)
    assert [each.label for each in event.matchers] == ["severity", "table"]
    assert (event.ends_at, event.actor, event.comment) == (far, "ada@example.com", "works")
    assert desk.stored() == 2


def test_what_is_not_signed_with_the_key_does_nothing() -> None:
    for key in (KEY, None):
        desk = Desk(key)
        desk.take(command(key="another"), b"{", command().model_copy(update={"signature": "é"}))
        assert desk.stored() == 4
        assert desk.kept == []


def test_commands_of_others_are_passed_over() -> None:
    desk = Desk()
    other = command().model_copy(update={"service": "maintainer", "action": "compact"})
    desk.take(other.signed(KEY))
    assert desk.stored() == 2


def test_a_silence_is_ended_by_one_that_follows_at_once() -> None:
    desk = Desk()
    far = datetime.now(UTC) + HOUR
    now = datetime.now(UTC)
    desk.take(
        command(given=silence(ends_at=far), issued_at=now - timedelta(seconds=2)),
        command("unsilence", issued_at=now - timedelta(seconds=1), command_id="command-2"),
    )
    desk.carry_out()
    assert desk.board.silences["silence-1"].ends_at <= datetime.now(UTC)
    assert desk.board.silences["silence-1"].matchers == desk.kept[0].matchers  # type: ignore[attr-defined]


def test_one_command_that_cannot_be_carried_out_holds_up_no_other() -> None:
    desk = Desk()
    desk.board.take("00f1", FIRING)
    now = datetime.now(UTC)
    desk.take(
        command("unsilence", "nobody"),
        command("acknowledge", "nobody"),
        command(given=silence("severity")),
        command(given=silence("severity=~x{99999999999}")),
        command(given={"matchers": "a=b", "ends_at": "soon"}),
        command("acknowledge", "00f1", issued_at=now),
    )
    desk.carry_out()
    assert [type(each) for each in desk.kept] == [AlertAcknowledged]


def test_partitions_are_passed_on_and_taken_away() -> None:
    desk = Desk()
    assert desk.dealt == [{2}]
    assert desk.handlers.joined
    desk.take(command())
    desk.handlers.revoked()
    assert desk.dealing == 1
    assert not desk.handlers.joined
    assert desk.stored() is None, "whoever has the commands next reads it again"


def test_the_same_command_again_says_the_same() -> None:
    board = Board()
    first = event_of(command(), board, NOON)
    assert first is not None
    board.take(first.key(), first)
    assert event_of(command(), board, NOON) is None, "it is there"
    ended = event_of(command("unsilence", issued_at=NOON + HOUR / 2), board, NOON + HOUR / 2)
    assert isinstance(ended, AlertSilenced)
    assert ended.ends_at == NOON + HOUR / 2
    board.take(ended.key(), ended)
    assert event_of(command(), board, NOON + HOUR / 2) is None, "it was ended since"


def test_an_acknowledgement_is_of_the_alert_as_it_is_now() -> None:
    board = Board()
    board.take("00f1", FIRING)
    given = AcknowledgeArguments(comment="on it").to_arguments()
    event = event_of(command("acknowledge", "00f1", given=given), board, NOON)
    assert isinstance(event, AlertAcknowledged)
    assert (event.active_at, event.comment) == (FIRING.active_at, "on it")
    board.take(event.key(), event)
    assert event_of(command("acknowledge", "00f1", given=given), board, NOON) is None

    later = FIRING.model_copy(update={"active_at": NOON + HOUR, "transition": 9})
    board.take("00f1", later)
    old = command("acknowledge", "00f1", issued_at=NOON + timedelta(minutes=1), given=given)
    assert event_of(old, board, NOON + HOUR) is None, "it was said of an alert that is over"


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (command(given={"matchers": "", "ends_at": (NOON + HOUR).isoformat()}), Refused),
        (command(given=silence("a=~(")), ConfigurationError),
        (command("unsilence", "nobody"), Refused),
        (command("acknowledge", "nobody"), Refused),
        (command("acknowledge", "over"), Refused),
        (command(issued_at=NOON + HOUR, given=silence(ends_at=NOON + 2 * HOUR)), Refused),
        (command("acknowledge", "00f1", issued_at=NOON + HOUR), Refused),
        (command(given=silence("\n".join(["a=b"] * 101))), Refused),
        (command(given=silence("a=~(x+)+y")), ConfigurationError),
    ],
)
def test_what_makes_no_sense_is_refused(refused: CommandIssued, error: type[Exception]) -> None:
    board = Board()
    board.take("00f1", FIRING)
    board.take("over", FIRING.model_copy(update={"fingerprint": "over", "state": "resolved"}))
    with pytest.raises(error):
        event_of(refused, board, NOON)


def test_a_silence_that_is_over_already_is_none() -> None:
    assert event_of(command(given=silence(ends_at=NOON)), Board(), NOON) is None


def test_a_silence_whose_end_is_forgotten_does_not_come_again() -> None:
    week = command(given=silence(ends_at=NOON + 7 * 24 * HOUR))
    assert event_of(week, Board(), NOON + HOUR) is not None
    with pytest.raises(Refused, match="too long ago"):
        event_of(week, Board(), NOON + 24 * HOUR)


def test_an_error_of_ours_ends_no_carrying_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OverflowError

    desk = Desk()
    desk.board.take("00f1", FIRING)
    monkeypatch.setattr("services.alerter.handlers.event_of", broken)
    desk.take(command("acknowledge", "00f1", issued_at=datetime.now(UTC)))
    desk.carry_out()
    assert desk.kept == []
