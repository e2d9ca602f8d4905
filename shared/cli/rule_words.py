"""Why a rule fires or does not, in words and rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.cli.alert_words import labels_text, number
from shared.cli.words import NOTHING, age, cell, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.alerting.board import Board
    from shared.alerting.compared import Compared, Part
    from shared.contracts.alerts import AlertChanged


def verdict(
    for_s: float,
    parts: list[Part] | None,
    active: Sequence[AlertChanged],
    now: datetime,
    board: Board | None,
) -> str:
    """One paragraph: what is firing, what will when, or what keeps the rule from firing.

    Args:
        for_s: how long the condition must hold before the rule fires.
        parts: what its condition compares now; ``None``: alerter was not asked.
        active: its alerts that are pending or firing.
        now: the present.
        board: who was told what; ``None``: the broker was not asked.
    """
    told = [_of(for_s, each, now, board) for each in active]
    unknown = sorted({name for part in parts or () for name in part.unknown})
    if unknown:
        told.append(
            f"held: {', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} not known now (no "
            "series), so its alerts stay as they are"
        )
    elif not active and parts is not None:
        told.append(_quiet(parts))
    elif not active:
        told.append("nothing of it is pending or firing" if board else "not known: nobody answers")
    return "; ".join(told)


def compared_rows(part: Part, most: int) -> list[tuple[object, ...]]:
    """What a part of a condition compares, the closest first."""
    from shared.alerting.in_words import in_words, span

    timed = getattr(part.condition, "duration", False)

    def shown(value: float | None) -> str:
        return span(round(value)) if timed and value is not None and value >= 1 else number(value)

    if not part.series:
        why = f"not known: {', '.join(part.unknown)}" if part.unknown else "no series"
        return [("[dim]–[/]", cell(f"{in_words(part.condition)}: {why}"), NOTHING, NOTHING)]
    return [
        (
            "[red]holds[/]" if each.holds else "[dim]not[/]",
            cell(labels_text(dict(each.labels)) or in_words(part.condition)),
            shown(each.value),
            NOTHING if each.bound is None else shown(each.bound),
        )
        for each in part.series[:most]
    ]


def _of(for_s: float, alert: AlertChanged, now: datetime, board: Board | None) -> str:
    what = labels_text(alert.labels)
    where = f" ({what})" if what else ""
    if alert.state == "pending":
        fires_at = alert.active_at + timedelta(seconds=for_s)
        return f"pending for {age(now - alert.active_at)}{where}, fires at {moment(fires_at)[:19]}"
    since = age(now - (alert.fired_at or alert.active_at))
    if board is not None and (silenced := board.silenced_by(alert, now)):
        by = silenced[0]
        return f"firing for {since}{where}, silenced by {by.actor} until {moment(by.ends_at)[:19]}"
    if board is not None and (acknowledged := board.acknowledgement(alert)):
        return f"firing for {since}{where}, {acknowledged.actor} works on it"
    return f"firing for {since}{where}"


def _quiet(parts: list[Part]) -> str:
    for part in parts:
        if part.series and not any(each.holds for each in part.series):
            return f"does not hold: closest is {_closest(part.series[0])}"
    if not any(part.series for part in parts):
        return "does not hold: there is no series of what it asks about"
    if all(any(each.holds for each in part.series) for part in parts):
        return (
            "holds by present values, and is not pending: alerter evaluates it at its next turn, "
            "or has looked back further than is shown here"
        )
    return "does not hold: no series is in all parts of the condition"


def _closest(each: Compared) -> str:
    what = labels_text(dict(each.labels))
    beside = "without a counterpart" if each.bound is None else f"bound {number(each.bound)}"
    return f"{what or 'the one series'} at {number(each.value)}, {beside}"
