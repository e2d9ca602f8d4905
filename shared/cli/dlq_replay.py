"""``bergline dlq replay``: the bytes of dead letters sent again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli import letter_text as text
from shared.cli.letter_choice import (
    Because,
    Ids,
    Limit,
    Since,
    Source,
    Stage,
    Topic,
    Why,
    choice,
)
from shared.cli.letter_finding import require_all, require_some
from shared.cli.output import Format, Output, emit, progress
from shared.cli.words import count, stacked

if TYPE_CHECKING:
    from shared.lake.dead_letters.letters import Choice, Letter
    from shared.lake.reader import LakeReader
    from shared.runtime.resending import Sending, Sent
    from shared.runtime.settings import Settings


def replay(
    ids: Ids = None,
    source: Source = None,
    topic: Topic = None,
    reason: Why = None,
    stage: Stage = None,
    since: Since = None,
    limit: Limit = 1000,
    given: Annotated[
        Path | None,
        typer.Option(
            "--with", metavar="FILE", help="Send these bytes in the place of the one's; - is stdin."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be sent.")
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Until the rows are there, and tell whether they are good."),
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Longest time to --wait, in seconds.")] = 60,
    because: Because = "",
    output: Output = Format.TEXT,
) -> None:
    """Send the bytes of dead letters to their topics again, or corrected ones of one.

    A record goes where it stood; a refused request is read as ingest reads it and goes where that
    would have put it. What is sent says which dead letter it is of. The same bytes of a dead letter
    are sent once, however often this is asked for: a command that was cut short can be repeated. A
    replay that fails again is a dead letter of its own that names this one as its origin. Ends with
    5 when some could not be sent, and with --wait with 6 when some failed again.

    Example: bergline dlq replay shopify.orders/2/1211057 --with corrected.json --wait
    """
    from shared.cli.operator import actor
    from shared.lake.dead_letters.finding import find
    from shared.lake.dead_letters.replaying import already
    from shared.lake.reader import LakeReader
    from shared.runtime.resending import resend
    from shared.runtime.settings import Settings

    settings = Settings.load()
    lake = LakeReader(settings)
    chosen = choice(ids, source=source, topic=topic, reason=reason, stage=stage, since=since)
    require_some(chosen)
    found = find(lake, chosen, limit=limit, values=True)
    require_all(settings, lake, chosen, found.letters)
    sendings, refused = _sendings(settings, found.letters, _given(given, chosen))
    progress("looking for what was sent before", letters=len(sendings))
    before = asyncio.run(already(settings, lake, sendings)) if sendings else {}
    if dry_run:
        body = [
            {**text.sending_json(each), "sent_before": each.delivery_id in before}
            for each in sendings
        ]
        emit(
            output,
            {"dry_run": True, "total": found.total, "would_send": body, "refused": refused},
            stacked(text.sendings_text(sendings, list(before)), *_more(found.total, limit)),
        )
        _end(output, refused, {})
        return
    sent = asyncio.run(
        resend(
            settings,
            sendings,
            before,
            actor=actor(),
            reason=because,
            told=lambda one: progress("replayed", **text.sent_json(one)),
        )
    )
    errors = _errors(lake, sent, timeout) if wait else None
    told = [
        {**text.sent_json(one), **({} if errors is None else {"error": errors.get(_record(one))})}
        for one in sent
    ]
    emit(
        output,
        {"replayed": told, "refused": refused, "total": found.total},
        stacked(text.sent_text(sent, errors), *_more(found.total, limit)),
    )
    _end(output, refused, {place: e for place, e in (errors or {}).items() if e is not None})


def _given(path: Path | None, chosen: Choice) -> bytes | None:
    from shared.runtime.errors import ConfigurationError

    if path is None:
        return None
    if len(chosen.ids) != 1:
        raise ConfigurationError("--with is for one dead letter", "name one id")
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"--with {path}: {error.strerror}") from None


def _sendings(
    settings: Settings, letters: tuple[Letter, ...], given: bytes | None
) -> tuple[list[Sending], list[dict[str, Any]]]:
    """What is sent, and what cannot be. What was refused alone is an error."""
    from shared.lake.dead_letters.records import sendings
    from shared.runtime.errors import Refused
    from shared.runtime.log_bounds import partitions
    from shared.tables.registry import landing_tables

    topics = {name for spec in landing_tables() for name in spec.topics}
    numbers = asyncio.run(partitions(settings, topics))
    found: list[Sending] = []
    refused: list[dict[str, Any]] = []
    # Oldest first: as they came.
    for letter in sorted(letters, key=lambda each: (each.failed_at, each.place)):
        try:
            found += sendings(letter, numbers, given)
        except Refused as error:
            if len(letters) == 1:
                raise
            refused.append({"id": letter.id, "what": error.what, "next_step": error.next_step})
            progress("cannot be sent", id=letter.id, reason=error.what)
    return found, refused


def _errors(lake: LakeReader, sent: list[Sent], seconds: float) -> dict[str, str | None]:
    """The error of each record's row, by record.

    Raises:
        Unavailable: time ran out.
    """
    from shared.lake.dead_letters.outcomes import landed
    from shared.runtime.errors import Unavailable

    found = landed(lake, [one.place for one in sent], seconds)
    if found is None:
        raise Unavailable(
            f"sent, but no rows yet after {seconds:g} s",
            "it goes on by itself: `bergline offsets show TABLE` says why if it does not",
        )
    return {"/".join(map(str, place)): error for place, error in found.items()}


def _record(one: Sent) -> str:
    return "/".join(map(str, one.place))


def _more(total: int, limit: int) -> list[str]:
    return [] if total <= limit else [f"{count(total - limit)} more were chosen; repeat for them"]


def _end(output: Format, refused: list[dict[str, Any]], failed: dict[str, str]) -> None:
    """End with the code that what could not be done asks for."""
    from shared.runtime.errors import BerglineError, CheckFailed, Refused

    error: BerglineError | None = None
    if failed:
        error = CheckFailed(
            f"failed again: {', '.join(sorted(failed))}",
            "`bergline dlq show ID` shows each; they are dead letters that name their origin",
        )
    elif refused:
        ids = ", ".join(each["id"] for each in refused[:5])
        error = Refused(f"{len(refused)} could not be sent: {ids}", refused[0]["next_step"] or "")
    if error is not None and output is Format.JSON:
        raise typer.Exit(error.exit_code)
    if error is not None:
        raise error
