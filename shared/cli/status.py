"""``bergline status``: what runs and whether it is ready, for people and for scripts."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import typer

from shared.cli.output import Format, Output, emit

if TYPE_CHECKING:
    from deploy.embedded.state import PlatformState

app = typer.Typer(add_completion=False)

NOT_READY = 3


@app.command()
def status(output: Output = Format.TEXT) -> None:
    """Show every process of the embedded platform: state, pid, restarts, memory, lag.

    Ends with exit code 3 when the platform does not run or something is not ready.
    """
    from deploy.embedded import control, launch
    from deploy.embedded.figures import Meter
    from deploy.embedded.platform import SERVICES
    from shared.cli.platform_view import as_json, as_table

    platform = asyncio.run(_asked(control.running(launch.layout())))
    figures = Meter().sample(platform, tuple(SERVICES), time.monotonic())
    result = as_json(platform, figures)
    emit(output, result, as_table(platform, figures))
    if not result["ready"]:
        raise typer.Exit(NOT_READY)


async def _asked(platform: PlatformState) -> PlatformState:
    """The state with the services' own answers instead of what the supervisor last heard."""
    from deploy.embedded.platform import SERVICES
    from deploy.embedded.probes import http_ready

    processes = []
    for process in platform.processes:
        if process.service in SERVICES and process.port and process.condition == "ready":
            reason = await http_ready(process.port, "/readyz")()
            if reason is not None:
                processes.append(
                    process.model_copy(update={"condition": "not_ready", "reason": reason})
                )
                continue
        processes.append(process)
    return platform.model_copy(update={"processes": tuple(processes)})
