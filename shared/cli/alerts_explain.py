"""``bergline alerts explain``: what a rule asks, what it sees now, why it fires or does not."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.alert_rules import file_of, rule_and_note, rule_names
from shared.cli.alert_words import ACTIVE, COLUMNS, alert_json, alert_row, order
from shared.cli.output import Format, Output, emit, table
from shared.cli.rule_words import compared_rows, verdict
from shared.cli.words import cell, stacked

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.alerting.compared import Part
    from shared.alerting.rule import Rule
    from shared.contracts.alerts import AlertChanged

MOST_SERIES = 10


def explain(
    name: Annotated[
        str,
        typer.Argument(metavar="RULE", help="A rule's name.", autocompletion=rule_names),
    ],
    output: Output = Format.TEXT,
) -> None:
    """Show a rule in words and as PromQL, its signals as they are now, and why it fires or not.

    The rule is read from its file, its signals are asked of alerter, where its alerts stand of
    their topic; what does not answer is said, and the rest is shown.

    Example: bergline alerts explain KafkaConsumerLagHigh
    """
    from shared.alerting.in_words import in_words, span
    from shared.alerting.promql import promql
    from shared.alerting.reach import signals
    from shared.cli.runbook_text import section
    from shared.runtime.metrics import SIGNALS

    rule, why_built_in = rule_and_note(name)
    now = datetime.now(UTC)
    parts, running, why_no_values = _compared(rule)
    for_s = rule.for_s if running is None else running["for_s"]
    board, why_no_board = _board()
    alerts = sorted(
        (each for each in (board.alerts.values() if board else ()) if each.rule == rule.name),
        key=order,
    )
    said = verdict(for_s, parts, [each for each in alerts if each.state in ACTIVE], now, board)
    asked = sorted(signals(rule.condition))
    page, text = section(rule.runbook)
    result = {
        "rule": rule.name,
        "group": rule.group,
        "file": str(file_of(rule)),
        "line": rule.place.line,
        "severity": rule.severity,
        "team": rule.team,
        "condition": in_words(rule.condition),
        "promql": promql(rule.condition),
        "interval_seconds": rule.interval_s,
        "for_seconds": rule.for_s,
        "keep_firing_for_seconds": rule.keep_firing_for_s,
        "signals": {each: SIGNALS[each].help for each in asked},
        "compared": None if parts is None else [_part_json(each) for each in parts],
        "alerts": [alert_json(board, each, now) for each in alerts] if board else None,
        "evaluated": running and running["evaluated"],
        "error": running and running["error"],
        "verdict": said,
        "runbook": {"place": rule.runbook, "page": page and str(page), "text": text},
        "not_known": [each for each in (why_built_in, why_no_values, why_no_board) if each],
    }
    shown: list[Any] = [
        *([f"[red]{cell_lines(why_built_in)}[/]", ""] if why_built_in else []),
        f"[bold]{cell(rule.name)}[/] {rule.severity}, {cell(rule.team or 'no team')}: "
        f"{cell(str(file_of(rule)))}:{rule.place.line}",
        f"holds when {cell(in_words(rule.condition))}",
        f"fires {'after ' + span(rule.for_s) if rule.for_s else 'at once'}"
        + (f", goes on for {span(rule.keep_firing_for_s)}" if rule.keep_firing_for_s else "")
        + f"; evaluated every {span(rule.interval_s)}, and when an event changes a signal",
        f"[dim]{cell(promql(rule.condition))}[/]",
        "",
        table(("signal", "says"), [(each, cell(SIGNALS[each].help)) for each in asked]),
        "",
        *_now(parts, why_no_values),
        *_running(rule, running, parts is not None),
        *_alerts(board, alerts, why_no_board, now),
        cell(said),
    ]
    if text:
        shown += ["", f"[dim]{cell(str(page))}[/]", cell_lines(text)]
    elif rule.runbook:
        shown += ["", f"what to do: {cell(rule.runbook)}"]
    emit(output, result, stacked(*shown))


def cell_lines(text: str) -> str:
    """Several lines of text that are no markup."""
    return "\n".join(cell(line) for line in text.splitlines())


def _compared(rule: Rule) -> tuple[list[Part] | None, dict[str, Any] | None, str]:
    """What is compared now, what alerter says of the rule, or why neither is known."""
    from shared.alerting.compared import parts
    from shared.cli.alerter_signals import in_force, present
    from shared.runtime.errors import BerglineError

    now = time.time()
    try:
        return parts(rule.condition, present(now), now), in_force(rule.name), ""
    except BerglineError as error:
        return None, None, error.what


def _running(rule: Rule, running: dict[str, Any] | None, answers: bool) -> list[str]:
    """How alerter is doing with the rule, where that is not as the file says."""
    from shared.alerting.in_words import span

    if running is None:
        missing = "alerter does not have this rule: `bergline check` says whether a file is wrong"
        return [f"[red]{missing}[/]"] if answers else []
    told = []
    if running["error"]:
        told.append(f"[red]its evaluation fails: {cell(running['error'])}[/]")
    if running["evaluated"] != "here":
        told.append(f"[yellow]evaluated: {cell(running['evaluated'])}[/]")
    if running["for_s"] != rule.for_s:
        told.append(
            f"[yellow]in force it fires after {span(running['for_s'])}: another file, or "
            "BERGLINE_ALERTER_TIME_SCALE[/]"
        )
    return told


def _board() -> tuple[Board | None, str]:
    """Where alerts stand, by the topic or else by alerter; and what does not answer."""
    from shared.cli.alert_reading import board_of_alerter, read_board
    from shared.runtime.errors import BerglineError
    from shared.runtime.settings import Settings

    try:
        return asyncio.run(read_board(Settings.load())), ""
    except BerglineError as away:
        try:
            return board_of_alerter(), away.what
        except BerglineError:
            return None, away.what


def _now(parts: list[Part] | None, why: str) -> list[Any]:
    if parts is None:
        return [f"[yellow]signals now: {cell(why)}[/]", ""]
    shown: list[Any] = []
    for part in parts:
        shown.append(table(("", "series", ">now", ">bound"), compared_rows(part, MOST_SERIES)))
        if len(part.series) > MOST_SERIES:
            shown.append(f"[dim]and {len(part.series) - MOST_SERIES} more[/]")
        if part.looks_back:
            shown.append(
                "[dim]the rule looks back: this is made of the present values alone, what alerter "
                "has seen before is not shown[/]"
            )
        shown.append("")
    return shown


def _alerts(board: Board | None, alerts: list[AlertChanged], why: str, now: datetime) -> list[Any]:
    shown: list[Any] = []
    if why:
        by = "as alerter has them" if board else "not known"
        shown += [f"[yellow]its alerts: {by}; {cell(why)}[/]", ""]
    if board is not None and alerts:
        shown += [table(COLUMNS, [alert_row(board, each, now) for each in alerts]), ""]
    return shown


def _part_json(part: Part) -> dict[str, Any]:
    from shared.alerting.in_words import in_words

    return {
        "condition": in_words(part.condition),
        "unknown": list(part.unknown),
        "looks_back": part.looks_back,
        "series": [
            {
                "labels": dict(each.labels),
                "value": each.value,
                "bound": each.bound,
                "holds": each.holds,
            }
            for each in part.series
        ],
    }
