"""The silences that last, and which alerts each of them meets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.cli.alert_words import ACTIVE
from shared.cli.output import Format, emit, table
from shared.cli.words import NOTHING, age, cell, moment

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.contracts.alerts import AlertSilenced
    from shared.runtime.settings import Settings


def show_silences(settings: Settings, output: Format) -> None:
    """Print them, the one that ends first at the top."""
    from shared.alerting.matchers import written
    from shared.cli.alert_reading import read_board

    board = asyncio.run(read_board(settings))
    now = datetime.now(UTC)
    found = [each for each in board.silences.values() if now < each.ends_at]
    found.sort(key=lambda each: each.ends_at)
    rows: list[Any] = []
    for each in found:
        met = _met(board, each)
        what = cell(" ".join(written(one) for one in each.matchers))
        left = age(each.ends_at - now)
        who, why = cell(each.actor), cell(each.comment or NOTHING)
        rows.append((each.silence_id, what, left, moment(each.ends_at), len(met), who, why))
    columns = ("silence", "matches", ">left", "until", ">alerts", "by", "why")
    result = {
        "silences": [
            {**each.model_dump(mode="json"), "matches_now": _met(board, each)} for each in found
        ]
    }
    emit(output, result, table(columns, rows) if rows else "nothing is silenced")


def _met(board: Board, silence: AlertSilenced) -> list[str]:
    from shared.alerting.events import all_labels
    from shared.alerting.matchers import matches

    return sorted(
        alert.fingerprint
        for alert in board.alerts.values()
        if alert.state in ACTIVE and matches(silence.matchers, all_labels(alert))
    )
