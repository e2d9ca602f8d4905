"""``bergline up``: the embedded platform, in the foreground with a live table or detached."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.output import Format, Output, console, emit, progress

if TYPE_CHECKING:
    from deploy.embedded.state import PlatformState

app = typer.Typer(add_completion=False)


class Ports(StrEnum):
    """Where ports come from."""

    SETTINGS = "settings"
    AUTO = "auto"


@app.command()
def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when everything is ready.")
    ] = False,
    replicas: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE=N", help="Processes of a service; may be repeated."),
    ] = None,
    ports: Annotated[
        Ports,
        typer.Option(help="settings: the BERGLINE_…_PORT variables; auto: any that are free."),
    ] = Ports.SETTINGS,
    brokers: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Use this Kafka or Redpanda instead of the embedded broker."
        ),
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Run the embedded platform on this machine: storage, catalog, broker and the services.

    It is for development, tests and demonstrations, and listens on 127.0.0.1 only. Data, logs
    and generated secrets are in BERGLINE_DATA_DIR (default ./.bergline). In the foreground Ctrl-C
    drains and stops everything; a second Ctrl-C kills it. With --brokers, user, password and TLS of
    that Kafka are BERGLINE_BROKER_USERNAME, BERGLINE_BROKER_PASSWORD and BERGLINE_BROKER_TLS.
    """
    from deploy.embedded import control, launch

    wanted = launch.parse_replicas(replicas or [])
    if detach:
        steps = _Steps().observe
        _show(output, control.detach(launch.layout(), wanted, ports.value, steps, brokers))
        return
    live = output is Format.TEXT and sys.stdout.isatty()
    if live:
        from rich.live import Live

        from shared.cli.platform_view import LiveView

        view = LiveView()
        with Live(view, console=console(), refresh_per_second=1):
            launch.run(launch.layout(), wanted, ports.value, view.observe, brokers)
    else:
        launch.run(launch.layout(), wanted, ports.value, _Steps().observe, brokers)
    emit(output, {"stopped": True}, "stopped")


class _Steps:
    """Tells each change of a process as a line of progress."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, int]] = {}

    def observe(self, platform: PlatformState) -> None:
        for process in platform.processes:
            now = (process.condition, process.pid)
            if self._told.get(process.name) != now and process.condition != "waiting":
                self._told[process.name] = now
                reason = {"reason": process.reason} if process.reason else {}
                progress(f"{process.name} {process.condition}", pid=process.pid, **reason)


def _show(output: Format, platform: PlatformState) -> None:
    import time

    from deploy.embedded.figures import Meter
    from deploy.embedded.services import SERVICES
    from shared.cli.platform_view import as_json, as_table

    figures = Meter().sample(platform, tuple(SERVICES), time.monotonic())
    emit(output, as_json(platform, figures), as_table(platform, figures))
