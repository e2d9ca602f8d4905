"""``bergline alerts test``: is a file of rules right, and what would it have told?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.episode_words import counted, episode_json, episodes_text
from shared.cli.output import Format, Output, emit, table
from shared.cli.words import cell, stacked

if TYPE_CHECKING:
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
    from shared.cli.alert_past import Past
    from shared.cli.spans import moment_of
    from shared.runtime.errors import ConfigurationError

    now = datetime.now(UTC)
    since = moment_of(on.removeprefix("last-"), now, "--on")
    if since >= now:
        raise ConfigurationError(f"--on {on} is not in the past", "name an earlier time")
    settings = alert_replay.SignalSettings.load()
    followed = _sources(settings)
    sources = (Alive(), *followed.all)
    lacking = not_replayable(rules, sources)
    replayed = {name: rule for name, rule in rules.items() if name not in lacking}
    begin = since - alert_replay.lead(replayed)
    past = Past(settings, alert_replay.starts(replayed, sources, begin), now)
    preview = Preview(replayed, sources)
    told = preview.run(
        alert_replay.happenings(past, followed, begin.timestamp()),
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
        "records": past.read,
        "rules": _listed(rules),
        "alerts": [episode_json(each, begin) for each in found],
        "not_replayable": {name: list(signals) for name, signals in lacking.items()},
        "held": held,
    }
    emit(output, result, episodes_text(replayed, found, lacking, held, (begin, since)))


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

    if not rules:
        return f"[yellow]{cell(str(file))}: no rules, and nothing wrong[/]"
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
        f"{cell(str(file))}: {counted(len(rules), 'rule')}, nothing wrong; --on last-24h replays",
    )
