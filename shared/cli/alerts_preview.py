"""``bergline alerts test``: is a file of rules right, and what would it have told?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.alert_words import labels_text, number
from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import NOTHING, age, cell, moment, stacked

if TYPE_CHECKING:
    from shared.alerting.preview import Episode
    from shared.alerting.rule import Rules
    from shared.cli.alert_replay import SignalSettings


def try_out(
    file: Annotated[Path, typer.Argument(help="YAML with rules, as those of the project.")],
    on: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN|TIME",
            help="Replay what happened since: last-24h, 90m, 7d, or an ISO 8601 time.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--rule", help="Replay only this rule of the file.")
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Check a file of rules, and with --on say when each would have fired and resolved.

    Everything that is wrong is told with line and column, exit code 2. A replay reads the topics
    that the rules depend on and evaluates them as alerter does, on the clock of the past; of what
    no topic tells, as answers of probes and lag, there is no past: such rules are named. Alerts
    that began before are shown as they stood. Nothing is sent.

    Example: bergline alerts test bergline_project/rules/mine.yaml --on last-24h
    """
    rules = _read(file)
    if name is not None:
        rules = _only(rules, name)
    if on is None:
        emit(output, {"file": str(file), "rules": _listed(rules)}, _rules_text(file, rules))
        return
    _replay(file, rules, on, output)


def _read(file: Path) -> Rules:
    from shared.alerting.reading import read
    from shared.runtime.errors import ConfigurationError, NotFound
    from shared.runtime.metrics import SIGNALS

    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(f"there is no file {file}", "name a YAML file with rules") from None
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}", "save it as UTF-8") from None
    return read({str(file): text}, known=SIGNALS)


def _only(rules: Rules, name: str) -> Rules:
    from shared.runtime.errors import NotFound

    if name not in rules:
        raise NotFound(f"the file has no rule {name!r}", f"it has: {', '.join(rules)}")
    return {name: rules[name]}


def _replay(file: Path, rules: Rules, on: str, output: Format) -> None:
    from shared.alerting.preview import Preview, episodes, not_replayable
    from shared.alerting.signals.alive import Alive
    from shared.cli import alert_replay

    now = datetime.now(UTC)
    since = alert_replay.moment(on, now)
    settings = alert_replay.SignalSettings.load()
    followed = _sources(settings)
    sources = (Alive(), *followed.all)
    lacking = not_replayable(rules, sources)
    replayed = {name: rule for name, rule in rules.items() if name not in lacking}
    begin = since - alert_replay.lead(replayed)
    records = asyncio.run(alert_replay.recorded(settings, replayed, sources, begin))
    progress("evaluating", records=len(records), since=since.isoformat())
    preview = Preview(replayed, sources)
    told = preview.run(
        alert_replay.happenings(alert_replay.watched(records, begin), followed, begin.timestamp()),
        begin.timestamp(),
        now.timestamp(),
    )
    found = [
        each for each in episodes(told) if each.over_at is None or each.over_at >= since.timestamp()
    ]
    held = sorted(preview.held)
    result = {
        "file": str(file),
        "since": since.isoformat(),
        "until": now.isoformat(),
        "records": len(records),
        "rules": _listed(rules),
        "alerts": [_episode_json(each, begin) for each in found],
        "not_replayable": {name: list(signals) for name, signals in lacking.items()},
        "held": held,
    }
    emit(output, result, _text(replayed, found, lacking, held, (begin, since)))


def _sources(settings: SignalSettings) -> Any:
    from shared.cli.alert_replay import sources_of
    from shared.runtime.errors import ConfigurationError

    try:
        return sources_of(settings)
    except ValueError as error:
        raise ConfigurationError(
            f"setting BERGLINE_ALERTER_EXPECTED_EVERY: {error}", "correct or unset the variable"
        ) from None


def _listed(rules: Rules) -> list[dict[str, Any]]:
    from shared.alerting.in_words import in_words
    from shared.alerting.promql import promql

    return [
        {
            "rule": rule.name,
            "line": rule.place.line,
            "severity": rule.severity,
            "condition": in_words(rule.condition),
            "promql": promql(rule.condition),
            "for_seconds": rule.for_s,
            "replaces_built_in": rule.name in _built_in(),
        }
        for rule in rules.values()
    ]


def _built_in() -> frozenset[str]:
    from shared.alerting.reading import built_in, read
    from shared.runtime.metrics import SIGNALS

    return frozenset(read(built_in(), known=SIGNALS))


def _rules_text(file: Path, rules: Rules) -> Any:
    from shared.alerting.in_words import in_words, span

    ours = _built_in()
    rows = [
        (
            cell(rule.name),
            rule.severity,
            span(rule.for_s) if rule.for_s else "at once",
            cell(in_words(rule.condition)),
            "replaces the built-in one" if rule.name in ours else "",
        )
        for rule in rules.values()
    ]
    return stacked(
        table(("rule", "severity", ">for", "holds when", ""), rows),
        f"{cell(str(file))}: {_number(len(rules), 'rule')}, nothing wrong; --on last-24h replays",
    )


def _text(
    rules: Rules,
    found: list[Episode],
    lacking: dict[str, tuple[str, ...]],
    held: list[str],
    times: tuple[datetime, datetime],
) -> Any:
    begin, since = times
    parts: list[Any] = []
    if found:
        columns = ("rule", "active since", "would have fired", "over", ">fired for", ">value", "")
        parts += [table(columns, [_row(each, begin) for each in found]), ""]
    for name in rules:
        mine = [each for each in found if each.rule.name == name and each.fired_at is not None]
        fired = [each for each in mine if (each.fired_at or 0) >= since.timestamp()]
        often = f"would have fired {_number(len(fired), 'time')} since {_at(since)}"
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


def _episode_json(each: Episode, begin: datetime) -> dict[str, Any]:
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


def _number(count: int, of: str) -> str:
    return f"{count} {of}" if count == 1 else f"{count} {of}s"


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _at(at: datetime | None) -> str:
    return NOTHING if at is None else f"{moment(at)[:19]}Z"
