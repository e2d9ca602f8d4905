"""What rules would have told of the past: for people a table, for programs JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.cli.alert_words import labels_text, number
from shared.cli.output import table
from shared.cli.words import NOTHING, age, cell, moment, stacked

if TYPE_CHECKING:
    from shared.alerting.preview import Episode
    from shared.alerting.rule import Rules


def episodes_text(
    rules: Rules,
    found: list[Episode],
    lacking: dict[str, tuple[str, ...]],
    held: list[str],
    times: tuple[datetime, datetime],
) -> Any:
    """Every episode, then how often each rule would have fired, then what was not replayed.

    Args:
        rules: those that were replayed.
        found: their episodes.
        lacking: rules that were not, and signals that no topic tells.
        held: rules of which a signal is not known at the end.
        times: when evaluation began, and since when it is told.
    """
    begin, since = times
    parts: list[Any] = []
    if found:
        columns = ("rule", "active since", "would have fired", "over", ">fired for", ">value", "")
        parts += [table(columns, [_row(each, begin) for each in found]), ""]
    for name in rules:
        mine = [each for each in found if each.rule.name == name and each.fired_at is not None]
        fired = [each for each in mine if (each.fired_at or 0) >= since.timestamp()]
        often = f"would have fired {counted(len(fired), 'time')} since {_at(since)}"
        already = len(mine) - len(fired)
        before = f"; firing by then: {already}" if already else ""
        if name in held:
            parts.append(f"[yellow]{cell(name)}: a signal of it is not known at the end[/]")
        else:
            parts.append(f"{cell(name)}: {often}{before}")
    parts += [
        f"[yellow]{cell(name)}: not replayed, as no topic tells {cell(', '.join(signals))}[/]"
        for name, signals in lacking.items()
    ]
    return stacked(*parts)


def _row(each: Episode, begin: datetime) -> tuple[object, ...]:
    fired, over = _moment(each.fired_at), _moment(each.over_at)
    earlier = each.active_at <= begin.timestamp()
    lasted = NOTHING
    if fired is not None:
        lasted = ("> " if earlier else "") + age((over or datetime.now(UTC)) - fired)
    return (
        cell(each.rule.name),
        "[dim]before[/]" if earlier else _at(_moment(each.active_at)),
        "[dim]not[/]" if fired is None else "[dim]before[/]" if earlier else _at(fired),
        _at(over) if over else "[red]still active[/]",
        lasted,
        number(each.value),
        cell(labels_text(dict(each.labels))),
    )


def episode_json(each: Episode, begin: datetime) -> dict[str, Any]:
    """One episode; ``began_before`` says that its times are those of the first evaluation."""

    def told(seconds: float | None) -> str | None:
        at = _moment(seconds)
        return None if at is None else at.isoformat()

    return {
        "rule": each.rule.name,
        "labels": dict(each.labels),
        "active_at": told(each.active_at),
        "fired_at": told(each.fired_at),
        "over_at": told(each.over_at),
        "value": each.value,
        "began_before": each.active_at <= begin.timestamp(),
    }


def counted(count: int, of: str) -> str:
    """So many, in words."""
    return f"{count} {of}" if count == 1 else f"{count} {of}s"


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _at(at: datetime | None) -> str:
    return NOTHING if at is None else f"{moment(at)[:19]}Z"
