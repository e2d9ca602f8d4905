"""``bergline alerts ack``: say that somebody works on an alert, so that it does not escalate."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.alert_commands import Comment, Timeout, Wait, send
from shared.cli.alert_words import SHORT, labels_text, order
from shared.cli.alerts_history import means
from shared.cli.output import Format, Output, emit
from shared.cli.words import cell, stacked

if TYPE_CHECKING:
    from shared.alerting.board import Board
    from shared.contracts.alerts import AlertChanged
    from shared.contracts.commands import CommandIssued
    from shared.contracts.event import Event


def ack(
    which: Annotated[
        str, typer.Argument(metavar="RULE|ALERT", help="A rule, or an alert as `list` shows it.")
    ],
    comment: Comment = "",
    wait: Wait = False,
    timeout: Timeout = 30.0,
    output: Output = Format.TEXT,
) -> None:
    """Say that you work on a firing alert: it is neither repeated nor escalated until it is over.

    With a rule's name, on all of its alerts that are firing now. Sends signed commands to alerter.

    Example: bergline alerts ack IcebergCatalogDown --comment "disk is being replaced" --wait
    """
    from shared.cli.alert_reading import read_board
    from shared.contracts.alerts import AlertAcknowledged
    from shared.contracts.commands import AcknowledgeArguments
    from shared.runtime.settings import Settings

    settings = Settings.load()
    arguments = AcknowledgeArguments(comment=comment).to_arguments()

    def shows(command: CommandIssued, event: Event) -> bool:
        return isinstance(event, AlertAcknowledged) and event.command_id == command.command_id

    async def ask() -> tuple[list[AlertChanged], list[CommandIssued]]:
        found = firing(await read_board(settings), which)
        sent = await send(
            settings,
            {each.fingerprint: ("acknowledge", arguments) for each in found},
            wait_s=timeout if wait else None,
            shows=shows,
        )
        return found, sent

    found, sent = asyncio.run(ask())
    result = {
        "alerts": [each.fingerprint for each in found],
        "commands": [each.command_id for each in sent],
        "taken": wait,
    }
    done = "acknowledged" if wait else "sent: acknowledges"
    lines = [f"{each.fingerprint[:SHORT]} {each.rule} {labels_text(each.labels)}" for each in found]
    emit(output, result, stacked(*(f"{done} {cell(line)}" for line in lines)))


def firing(board: Board, which: str) -> list[AlertChanged]:
    """The firing alerts that an argument means.

    Raises:
        NotFound: there is none.
    """
    from shared.runtime.errors import NotFound

    found = [
        each for each in board.alerts.values() if each.state == "firing" and means(which, each)
    ]
    if not found:
        raise NotFound(
            f"no alert of {which!r} is firing", "`bergline alerts list` shows those that are"
        )
    return sorted(found, key=order)
