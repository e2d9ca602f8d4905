"""What an operator says about alerts: from a signed command to the event that all alerters follow.

Pure. A command that comes again, as after a crash, says the same again, and nothing that was said
later is taken back by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from services.alerter.states.forgetting import OVER_S
from shared.alerting.board import Board
from shared.alerting.matchers import parse_lines
from shared.contracts.alerts import AlertAcknowledged, AlertSilenced
from shared.contracts.commands import AcknowledgeArguments, CommandIssued, SilenceArguments
from shared.runtime.errors import Refused

SERVICE = "alerter"
SKEW = timedelta(minutes=1)
"""By so much an operator's clock may be behind, and a command still mean an alert of just now."""
AHEAD = timedelta(minutes=5)
"""By so much an operator's clock may be ahead. What is said counts from when it was said, so what
was said in the future could not be taken back until then."""
FRESH = timedelta(seconds=OVER_S)
"""A silence must not be older when it comes: what ended it may be forgotten by then, and whoever
writes into the topic could say it again."""
MOST_MATCHERS = 100
ACTIONS = frozenset({"silence", "unsilence", "acknowledge"})


def ours(command: CommandIssued) -> bool:
    """Whether a command is one for alerter."""
    return command.service == SERVICE and command.action in ACTIONS


def event_of(
    command: CommandIssued, board: Board, now: datetime
) -> AlertSilenced | AlertAcknowledged | None:
    """The event that a verified command makes; ``None`` when later ones have overtaken it.

    Raises:
        Refused: it silences nothing, means a silence or an alert that is not there, or is of
            another time.
        ConfigurationError: a matcher is none.
        pydantic.ValidationError: its arguments are no such values.
    """
    if command.issued_at > now + AHEAD:
        raise Refused("the command is of the future", "set the clock where it was given")
    match command.action:
        case "silence":
            return _silenced(command, board, now)
        case "unsilence":
            return _unsilenced(command, board, now)
        case _:
            return _acknowledged(command, board)


def _silenced(command: CommandIssued, board: Board, now: datetime) -> AlertSilenced | None:
    arguments = SilenceArguments.of(command)
    matchers = parse_lines(arguments.matchers)
    if not matchers:
        raise Refused("a silence without matchers would silence everything")
    if len(matchers) > MOST_MATCHERS:
        raise Refused(f"a silence of {len(matchers)} matchers, {MOST_MATCHERS} are the most")
    if arguments.ends_at <= now or _overtaken(command, board.silences.get(command.target)):
        return None
    if command.issued_at <= now - FRESH:
        raise Refused("the silence was asked for too long ago", "ask for it again")
    return AlertSilenced(
        silence_id=command.target,
        matchers=matchers,
        starts_at=command.issued_at,
        ends_at=arguments.ends_at,
        actor=command.actor,
        comment=arguments.comment,
        command_id=command.command_id,
        silenced_at=command.issued_at,
    )


def _unsilenced(command: CommandIssued, board: Board, now: datetime) -> AlertSilenced | None:
    silence = board.silences.get(command.target)
    if silence is None:
        raise Refused(f"there is no silence {command.target}")
    if _overtaken(command, silence) or silence.ends_at <= now:
        return None
    return silence.model_copy(
        update={
            "ends_at": max(silence.starts_at, min(command.issued_at, now)),
            "actor": command.actor,
            "command_id": command.command_id,
            "silenced_at": command.issued_at,
        }
    )


def _acknowledged(command: CommandIssued, board: Board) -> AlertAcknowledged | None:
    alert = board.alerts.get(command.target)
    if alert is None or alert.state != "firing":
        raise Refused(f"no alert {command.target} is firing")
    before = board.acknowledged.get(command.target)
    if alert.active_at > command.issued_at + SKEW or (
        before is not None and before.acknowledged_at >= command.issued_at
    ):
        return None
    return AlertAcknowledged(
        fingerprint=command.target,
        active_at=alert.active_at,
        actor=command.actor,
        comment=AcknowledgeArguments.of(command).comment,
        command_id=command.command_id,
        acknowledged_at=command.issued_at,
    )


def _overtaken(command: CommandIssued, silence: AlertSilenced | None) -> bool:
    return silence is not None and silence.silenced_at >= command.issued_at
