"""``bergline restart``: replace the processes of a service one after the other."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.cli.output import Format, Output, emit, progress

app = typer.Typer(add_completion=False)


@app.command()
def restart(
    service: Annotated[
        str, typer.Argument(help="A service (all its replicas) or one process, see `status`.")
    ],
    output: Output = Format.TEXT,
) -> None:
    """Drain each process of a service, start it again and wait until it is ready."""
    from deploy.embedded import control, launch

    where = launch.layout()
    restarted = []
    for name in control.processes_named(control.running(where), service):
        progress(f"restarting {name}")
        process = control.restart(where, name)
        restarted.append({"name": name, "pid": process.pid})
    text = ", ".join(f"{each['name']} is ready (pid {each['pid']})" for each in restarted)
    emit(output, {"restarted": restarted}, text)
