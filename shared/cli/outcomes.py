"""What became of a maintenance command, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.cli.output import table
from shared.cli.words import NOTHING, cell, count, size, stacked

if TYPE_CHECKING:
    from shared.contracts.commands import CommandIssued
    from shared.runtime.maintaining import Maintaining, Told


def told_by(event: Told) -> str:
    """What became of a job, as the end of a sentence."""
    from shared.contracts.maintenance import MaintenanceSucceeded

    if isinstance(event, MaintenanceSucceeded):
        why = f": {event.reason}" if event.reason else ""
        return f"{event.status} in {event.seconds:.2f} s{why}"
    again = ", tried again" if event.will_retry else ""
    return f"failed after {event.seconds:.2f} s{again}: {event.error_type}: {event.error}"


def as_json(
    command: CommandIssued, names: tuple[str, ...], followed: Maintaining | None
) -> dict[str, Any]:
    """The command as it was sent, and what became of each table when it was waited for."""
    body: dict[str, Any] = {
        "sent": command.model_dump(mode="json", exclude={"signature"}),
        "tables": list(names),
    }
    if followed is None:
        return body
    failed = list(dict.fromkeys(each.table for each in followed.failed))
    over = {*failed, *followed.waiting}
    return {
        **body,
        "maintained": [name for name in names if name not in over],
        "failed": failed,
        "waiting": list(followed.waiting),
        "jobs": [
            {"type": each.type, **each.model_dump(mode="json")} for each in followed.told.values()
        ],
    }


def as_text(command: CommandIssued, names: tuple[str, ...], followed: Maintaining | None) -> Any:
    """The same for people: a line for each job of each table."""
    if followed is None:
        return (
            f"command {command.command_id} sent, asked by {cell(command.actor)}: maintainer does "
            f"{command.action} for {cell(', '.join(names))}; with --wait the command shows how it "
            "ended"
        )
    rows = [
        _row(name, job, followed.told.get((name, job)), name in followed.waiting)
        for name in names
        for job in followed.jobs
    ]
    columns = (
        *("table", "job", "outcome", ">files", ">size", ">snapshots", ">manifests"),
        *(">freed", ">took", ""),
    )
    return stacked(table(columns, rows))


def _row(name: str, job: str, told: Told | None, waiting: bool) -> tuple[object, ...]:
    from shared.contracts.maintenance import MaintenanceSucceeded

    if told is None:
        outcome = "[yellow]waiting[/]" if waiting else "[dim]not begun[/]"
        return (name, job, outcome, *(NOTHING,) * 6, "")
    took = f"{told.seconds:.2f} s"
    if not isinstance(told, MaintenanceSucceeded):
        why = cell(f"{told.error_type}: {told.error}")
        return (name, job, "[red]failed[/]", *(NOTHING,) * 5, took, why)
    before, after = told.before, told.after
    colour = "green" if told.status == "succeeded" else "dim"
    return (
        name,
        job,
        f"[{colour}]{told.status}[/]",
        moved(before.data_files, after.data_files, count),
        moved(before.live_bytes, after.live_bytes, size),
        moved(before.snapshots, after.snapshots, count),
        moved(before.manifests, after.manifests, count),
        size(told.bytes_freed),
        took,
        cell(told.reason),
    )


def moved(before: int | None, after: int | None, words: Any) -> str:
    """A figure before and after a job; a dash where it was not counted."""
    if before is None:
        return NOTHING
    return str(words(before)) if after in (None, before) else f"{words(before)}→{words(after)}"
