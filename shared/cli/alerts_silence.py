"""``bergline alerts silence``: tell nobody of some alerts for a time; list and end silences."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.alert_commands import Comment, Timeout, Wait, send
from shared.cli.alert_words import ACTIVE, SHORT
from shared.cli.output import Format, Output, emit
from shared.cli.silences import show_silences
from shared.cli.words import cell, moment, stacked

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.contracts.alerts import AlertSilenced, Matcher
    from shared.contracts.commands import CommandIssued
    from shared.contracts.event import Event
    from shared.runtime.settings import Settings


def silence(
    matcher: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RULE|MATCHER]...",
            help="A rule, or matchers that must all hold: table=raw.x, topic=~'stripe.*', "
            "severity!=critical.",
        ),
    ] = None,
    for_: Annotated[str | None, typer.Option("--for", help="How long: 30m, 2h, 3d.")] = None,
    comment: Comment = "",
    listed: Annotated[bool, typer.Option("--list", help="Show silences; nothing is sent.")] = False,
    expire: Annotated[
        str | None, typer.Option(metavar="ID", help="End this silence, as --list shows it.")
    ] = None,
    wait: Wait = False,
    timeout: Timeout = 30.0,
    output: Output = Format.TEXT,
) -> None:
    """Tell nobody of the alerts that match, for a time; they are evaluated and shown all the same.

    Sends a signed command to alerter. A silence says until when and why, and ends by itself.

    Example: bergline alerts silence TableNeedsCompaction table=raw.x --for 2h --comment "compacts"
    """
    from shared.runtime.errors import ConfigurationError
    from shared.runtime.settings import Settings

    asked = [bool(matcher), listed, expire is not None]
    if sum(asked) != 1:
        raise ConfigurationError(
            "silence takes either matchers, or --list, or --expire ID",
            "for example: bergline alerts silence table=raw.shopify_orders --for 2h --comment why",
        )
    settings = Settings.load()
    if listed:
        show_silences(settings, output)
    elif expire is not None:
        _expire(settings, expire, wait_s=timeout if wait else None, output=output)
    else:
        _begin(settings, matcher or [], for_, comment, timeout if wait else None, output)


def matchers_of(arguments: list[str]) -> tuple[Matcher, ...]:
    """Matchers as they are typed; a word alone is the name of a rule.

    Raises:
        ConfigurationError: one is none.
    """
    from shared.alerting.matchers import parse
    from shared.contracts.alerts import Matcher

    return tuple(
        Matcher(label="alertname", value=text)
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text)
        else parse(text)
        for text in arguments
    )


def _begin(
    settings: Settings,
    arguments: list[str],
    for_: str | None,
    comment: str,
    wait_s: float | None,
    output: Format,
) -> None:
    from shared.alerting.events import all_labels
    from shared.alerting.matchers import matches, written
    from shared.cli.alert_reading import read_board
    from shared.cli.spans import span
    from shared.cli.unknown_matchers import unknown
    from shared.contracts.commands import SilenceArguments
    from shared.contracts.identity import uuid7
    from shared.runtime.errors import ConfigurationError

    matchers = matchers_of(arguments)
    if for_ is None or not comment:
        raise ConfigurationError(
            "a silence needs --for and --comment", "say until when, and why, for whoever looks next"
        )
    ends_at = datetime.now(UTC) + span(for_, "--for")
    given = SilenceArguments(
        matchers="\n".join(map(written, matchers)), ends_at=ends_at, comment=comment
    )
    silence_id = uuid7()

    async def ask() -> tuple[list[CommandIssued], Board]:
        board = await read_board(settings)
        sent = await send(
            settings,
            {silence_id: ("silence", given.to_arguments())},
            wait_s=wait_s,
            shows=_shows,
        )
        return sent, board

    [command], board = asyncio.run(ask())
    met = [
        each
        for each in board.alerts.values()
        if each.state in ACTIVE and matches(matchers, all_labels(each))
    ]
    names = ", ".join(sorted({each.rule for each in met}))
    nobody = unknown(matchers)
    result = {
        "silence": silence_id,
        "matchers": [written(each) for each in matchers],
        "ends_at": ends_at.isoformat(),
        "command": command.command_id,
        "taken": wait_s is not None,
        "matches_now": sorted(each.fingerprint for each in met),
        "unknown": nobody,
    }
    text = stacked(
        f"silence {silence_id} {'begun' if wait_s is not None else 'sent'}, until "
        f"{moment(ends_at)}",
        cell(f"it matches {len(met)} active alerts now: {names}")
        if met
        else "[yellow]no active alert matches it now[/]",
        *(f"[yellow]{cell(each)}[/]" for each in nobody),
        f"end it with: bergline alerts silence --expire {silence_id}",
    )
    emit(output, result, text)


def _expire(settings: Settings, given: str, *, wait_s: float | None, output: Format) -> None:
    from shared.cli.alert_reading import read_board
    from shared.runtime.errors import NotFound

    async def ask() -> tuple[CommandIssued, AlertSilenced]:
        board = await read_board(settings)
        now = datetime.now(UTC)
        found = [
            each
            for each in board.silences.values()
            if each.silence_id.startswith(given) and now < each.ends_at
        ]
        if len(found) != 1 or len(given) < SHORT:
            raise NotFound(
                f"{given!r} names {len(found) or 'none'} of the silences that last",
                f"`bergline alerts silence --list` shows them; give {SHORT} digits or more",
            )
        [command] = await send(
            settings,
            {found[0].silence_id: ("unsilence", {})},
            wait_s=wait_s,
            shows=_shows,
        )
        return command, found[0]

    command, ended = asyncio.run(ask())
    emit(
        output,
        {"silence": ended.silence_id, "command": command.command_id, "taken": wait_s is not None},
        f"silence {ended.silence_id} {'has ended' if wait_s is not None else 'is to end: sent'}",
    )


def _shows(command: CommandIssued, event: Event) -> bool:
    from shared.contracts.alerts import AlertSilenced

    return isinstance(event, AlertSilenced) and event.command_id == command.command_id
