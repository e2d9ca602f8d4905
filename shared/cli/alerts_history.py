"""``bergline alerts history``: what changed when, for how long it was so, and who was told."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.alert_words import SHORT, labels_text
from shared.cli.output import Format, Output, emit, table
from shared.cli.words import NOTHING, age, cell, moment, stacked

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.contracts.alerts import AlertChanged


def history(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[RULE|ALERT]", help="A rule, or an alert as `list` shows it."),
    ] = None,
    since: Annotated[str, typer.Option(help="How far back to look: 90s, 15m, 2h, 7d.")] = "24h",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show the last so many.")] = 100,
    output: Output = Format.TEXT,
) -> None:
    """Show how alerts changed, in order of time: from what to what, after how long, and why.

    Who was told of a change is known of the last notification of each receiver and group. That
    nothing of a rule has changed is no error; an alert of which nothing is known is, exit code 4.

    Example: bergline alerts history PipelineFailure --since 7d
    """
    from shared.cli.alert_reading import read_board, read_changes
    from shared.cli.alert_rules import rule_names
    from shared.cli.spans import span
    from shared.runtime.errors import NotFound
    from shared.runtime.settings import Settings

    begin = datetime.now(UTC) - span(since)

    async def read() -> tuple[list[AlertChanged], Board]:
        settings = Settings.load()
        return await read_changes(settings, begin), await read_board(settings)

    changes, board = asyncio.run(read())
    found = [each for each in changes if which is None or means(which, each)]
    if which is not None and not found and which not in rule_names(""):
        raise NotFound(
            f"no alert of {which!r} has changed in the last {since}",
            "look further back with --since; `bergline alerts explain RULE` tells where a rule "
            "stands",
        )
    lasted = durations(found)
    shown = found[-limit:]
    result = {
        "since": begin.isoformat(),
        "changes": [
            {
                **each.model_dump(mode="json"),
                "previous_seconds": _seconds(lasted.get(each.event_id())),
                "notified": told(board, each),
            }
            for each in shown
        ],
        "found": len(found),
    }
    if not found:
        emit(output, result, f"nothing has changed in the last {since}")
        return
    columns = ("at", "change", ">after", "alert", "what")
    rows = [_row(board, each, lasted.get(each.event_id())) for each in shown]
    emit(
        output,
        result,
        stacked(table(columns, rows), f"{len(shown)} of {len(found)} changes in the last {since}"),
    )


def means(which: str, alert: AlertChanged) -> bool:
    """Whether an argument means this alert: its rule, its fingerprint, or the beginning of it."""
    if which == alert.rule:
        return True
    return bool(re.fullmatch(r"[0-9a-f]{4,16}", which)) and alert.fingerprint.startswith(which)


def durations(changes: list[AlertChanged]) -> dict[str, timedelta]:
    """Change → how long the state before it had lasted, where the change before it is known."""
    last: dict[str, AlertChanged] = {}
    found = {}
    for each in changes:
        before = last.get(each.fingerprint)
        if before is not None and before.transition + 1 == each.transition:
            found[each.event_id()] = each.changed_at - before.changed_at
        elif each.state == "resolved" and each.fired_at is not None:
            found[each.event_id()] = each.changed_at - each.fired_at
        elif each.previous == "pending":
            found[each.event_id()] = each.changed_at - each.active_at
        last[each.fingerprint] = each
    return found


def told(board: Board, change: AlertChanged) -> list[dict[str, str]]:
    """The receivers that are known to have been told of a change."""
    return [
        {"receiver": each.receiver, "at": each.notified_at.isoformat(), "reason": each.reason}
        for each in board.told(change)
    ]


_ENDS = {
    "series_gone": "what it was about is gone",
    "rule_removed": "the rule was removed",
    "rule_changed": "the rule was changed",
}


def _row(board: Board, each: AlertChanged, lasted: timedelta | None) -> tuple[object, ...]:
    before = f"{each.previous} → " if each.previous else ""
    why = f" ({_ENDS[each.ended_by]})" if each.ended_by in _ENDS else ""
    receivers = dict.fromkeys(one["receiver"] for one in told(board, each))
    what = [
        f"[bold]{cell(each.rule)}[/]",
        cell(each.summary or labels_text(each.labels)),
        *([f"[dim]told: {cell(', '.join(receivers))}[/]"] if receivers else []),
    ]
    return (
        f"{moment(each.changed_at)[:19]}Z",
        f"{before}{each.state}{why}",
        NOTHING if lasted is None else age(lasted),
        each.fingerprint[:SHORT],
        "\n".join(what),
    )


def _seconds(lasted: timedelta | None) -> float | None:
    return None if lasted is None else round(lasted.total_seconds(), 3)
