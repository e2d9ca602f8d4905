"""``bergline down``: drain and stop the embedded platform, and with ``--volumes`` forget it."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.cli.output import Format, Output, confirmed, emit, progress

app = typer.Typer(add_completion=False)


@app.command()
def down(
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Delete data, secrets and logs too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Drain and stop every process of the embedded platform, in order, within 15 seconds."""
    from deploy.embedded import control, launch
    from shared.runtime.errors import Refused

    where = launch.layout()
    if volumes and not confirmed(f"Delete {where.root} with all its data?", yes):
        raise Refused(
            f"--volumes deletes {where.root} with all topics, tables, secrets and logs",
            "add --yes to confirm; nothing was stopped or deleted",
        )
    progress("stopping")
    stopped = control.stop(where)
    if volumes and where.root.exists():
        where.remove()
    text = "stopped" if stopped else "nothing was running"
    emit(
        output,
        {"stopped": stopped, "deleted": str(where.root) if volumes else None},
        f"{text}; deleted {where.root}" if volumes else text,
    )
