"""``bergline alerts``: what is wrong, since when, why, who was told, and what is done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.alert_words import (
    ACTIVE,
    COLUMNS,
    SEVERITIES,
    alert_json,
    alert_row,
    order,
)
from shared.cli.alerts_ack import ack
from shared.cli.alerts_explain import explain
from shared.cli.alerts_history import history
from shared.cli.alerts_preview import try_out
from shared.cli.alerts_silence import silence
from shared.cli.output import Format, Output, emit, table
from shared.cli.words import cell, stacked

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.contracts.alerts import AlertChanged

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def alerts() -> None:
    """Alerts: what is wrong, since when, why, who was told, and what is done about it."""


class FailOn(StrEnum):
    """The mildest severity that fails a script."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Severity(StrEnum):
    """As rules have it."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"


@app.command("list")
def list_alerts(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are over, and signs of life.")
    ] = False,
    severity: Annotated[Severity | None, typer.Option(help="Of this severity.")] = None,
    team: Annotated[str | None, typer.Option(help="Of rules of this team.")] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(
            help="End with exit code 6 when an alert as bad as this, or worse, is firing and "
            "not silenced."
        ),
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Show what is firing or about to: the worst first, since when, who works on it, what to do.

    Where an alert stands is read from its topic, so it is known while alerter is away; that nobody
    evaluates rules is said. While the broker is away alerter itself is asked. Ends with 0 whatever
    is firing, unless --fail-on says otherwise.

    Example: bergline alerts list --fail-on critical
    """
    from shared.runtime.errors import CheckFailed

    board, note = _board()
    now = datetime.now(UTC)
    wanted = _wanted(everything, severity, team)
    found = sorted(board.alerts.values(), key=order)
    shown = [each for each in found if wanted(each)]
    counts = {
        state: sum(each.state == state and each.severity != "none" for each in found)
        for state in ACTIVE
    }
    silenced = sum(each.state in ACTIVE and bool(board.silenced_by(each, now)) for each in found)
    bad = [each for each in found if _fails(board, each, fail_on, now)]
    result = {
        "alerts": [alert_json(board, each, now) for each in shown],
        **counts,
        "silenced": silenced,
        "note": note,
    }
    emit(output, result, _text(board, shown, counts, silenced, note, now))
    if bad and output is Format.JSON:
        raise typer.Exit(CheckFailed.exit_code)
    if bad:
        names = ", ".join(dict.fromkeys(each.rule for each in bad))
        raise CheckFailed(f"firing: {names}", f"`bergline alerts explain {bad[0].rule}` tells why")


app.command()(history)
app.command()(explain)
app.command("test")(try_out)
app.command()(silence)
app.command()(ack)


def _board() -> tuple[Board, str]:
    """The board, and what is to be known of it."""
    from shared.cli.alert_reading import (
        alerter_runs,
        board_of_alerter,
        notes_of_alerter,
        read_board,
    )
    from shared.cli.platform_view import noted
    from shared.runtime.errors import BerglineError, Unavailable
    from shared.runtime.settings import Settings

    async def read() -> tuple[Board, bool]:
        settings = Settings.load()
        return await read_board(settings), await alerter_runs(settings)

    try:
        board, runs = asyncio.run(read())
    except Unavailable as away:
        try:
            return board_of_alerter(), f"{away.what}; this is what alerter itself says"
        except BerglineError as neither:
            raise Unavailable(
                f"{away.what}, and {neither.what}", "see what runs: `bergline status`"
            ) from None
    return board, (
        noted(notes_of_alerter())
        if runs
        else "no alerter runs: this is how things stood when the last one ended; `bergline status` "
        "shows services, `bergline up` starts them"
    )


def _wanted(
    everything: bool, severity: Severity | None, team: str | None
) -> Callable[[AlertChanged], bool]:
    def wanted(alert: AlertChanged) -> bool:
        active = alert.state in ACTIVE and alert.severity != "none"
        chosen = severity is None or alert.severity == severity.value
        return (everything or active) and chosen and (team is None or alert.team == team)

    return wanted


def _fails(board: Board, alert: AlertChanged, bound: FailOn | None, now: datetime) -> bool:
    if bound is None or alert.state != "firing":
        return False
    as_bad = SEVERITIES.index(alert.severity) <= SEVERITIES.index(bound.value)
    return as_bad and not board.silenced_by(alert, now)


def _text(
    board: Board,
    shown: list[AlertChanged],
    counts: dict[str, int],
    silenced: int,
    note: str,
    now: datetime,
) -> Any:
    parts: list[Any] = []
    if shown:
        parts += [table(COLUMNS, [alert_row(board, each, now) for each in shown]), ""]
    parts.append(
        f"{counts['firing']} firing, {counts['pending']} pending, {silenced} silenced"
        if shown or any(counts.values())
        else "[green]nothing is firing or pending[/]"
    )
    if note:
        parts.append(f"[red]{cell(note)}[/]")
    return stacked(*parts)
