"""``bergline status``: what runs and whether it is ready, for people and for scripts."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import typer

from shared.cli.output import Format, Output, emit

if TYPE_CHECKING:
    from deploy.embedded.state import PlatformState
    from shared.cli.platform_view import Notes

app = typer.Typer(add_completion=False)

NOT_READY = 3


@app.command()
def status(output: Output = Format.TEXT) -> None:
    """Show every process of the embedded platform: state, pid, restarts, memory, lag; and alerts.

    Ends with exit code 3 when the platform does not run or something is not ready.
    """
    from deploy.embedded import control, launch
    from deploy.embedded.figures import Meter
    from deploy.embedded.services import SERVICES
    from shared.cli.platform_view import as_json, as_table
    from shared.cli.words import stacked

    platform, notes = asyncio.run(_asked(control.running(launch.layout())))
    figures = Meter().sample(platform, tuple(SERVICES), time.monotonic())
    firing = asyncio.run(_firing(platform))
    result = {**as_json(platform, figures, notes), "alerts_firing": firing}
    emit(output, result, stacked(as_table(platform, figures, notes), _told(firing)))
    if not result["ready"]:
        raise typer.Exit(NOT_READY)


async def _asked(platform: PlatformState) -> tuple[PlatformState, Notes]:
    """The state with the services' own answers instead of what the supervisor last heard."""
    from deploy.embedded.probes import http_answer
    from deploy.embedded.services import SERVICES

    processes, notes = [], {}
    for process in platform.processes:
        if process.service in SERVICES and process.port and process.condition == "ready":
            reason, told = await http_answer(process.port, "/readyz")
            notes[process.name] = told
            if reason is not None:
                process = process.model_copy(update={"condition": "not_ready", "reason": reason})
        processes.append(process)
    return platform.model_copy(update={"processes": tuple(processes)}), notes


async def _firing(platform: PlatformState) -> list[str] | None:
    """Rules with a firing alert, the worst first; ``None``: no alerter answers."""
    from deploy.embedded.probes import request
    from shared.cli.alert_words import order
    from shared.contracts.alerts import AlertChanged

    for process in platform.processes:
        if process.service != "alerter" or not process.port or process.condition == "stopped":
            continue
        try:
            answer = await request(process.port, "/alerts")
            page = json.loads(answer.body)["alerts"] if answer.status == 200 else []
        except (OSError, TimeoutError, ValueError):
            continue
        alerts = sorted(map(AlertChanged.model_validate, page), key=order)
        told = [each for each in alerts if each.state == "firing" and each.severity != "none"]
        return list(dict.fromkeys(each.rule for each in told))
    return None


def _told(firing: list[str] | None) -> str:
    if firing is None:
        return "[dim]alerts: no alerter answers[/]"
    if not firing:
        return "[green]no alert is firing[/]"
    return f"[red]firing: {', '.join(firing)}[/]: `bergline alerts list`"
