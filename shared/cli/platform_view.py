"""The embedded platform as a table: drawn by ``status`` once and by ``up`` again and again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from shared.cli.output import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from deploy.embedded.figures import Figures
    from deploy.embedded.state import PlatformState

_COLOURS = {
    "ready": "green",
    "done": "green",
    "starting": "yellow",
    "waiting": "dim",
    "not_ready": "yellow",
    "restarting": "red",
    "stopped": "red",
}
_COLUMNS = ("process", "state", ">pid", ">port", ">restarts", ">memory", ">in/s", ">lag", "")
_MIB = 1024 * 1024

Notes = Mapping[str, Mapping[str, object]]
"""Process → what it says beside being ready: that it spools, that a file of rules is wrong."""
LONGEST_NOTE = 200
"""Characters of one in the table; in JSON it is whole."""
NONE: Notes = MappingProxyType({})


def as_table(
    platform: PlatformState, figures: dict[str, Figures], notes: Notes = NONE
) -> RenderableType:
    """One line per process, and the sum of their memory."""
    from rich.markup import escape

    from deploy.embedded.processes import memory_bytes

    rows: list[tuple[object, ...]] = []
    for process in platform.processes:
        one = figures.get(process.name)
        colour = _COLOURS[process.condition]
        gone = process.condition in ("stopped", "done", "waiting")
        rows.append(
            (
                process.name,
                f"[{colour}]{process.condition}[/]",
                "" if gone else process.pid,
                process.port or "",
                process.restarts or "",
                f"{one.memory_bytes / _MIB:.0f} MiB" if one and one.memory_bytes else "",
                _figure(one.received_per_second if one else None, "{:.0f}"),
                _figure(one.lag if one else None, "{}"),
                escape(process.reason or noted(notes.get(process.name, {}))),
            )
        )
    own = memory_bytes(platform.supervisor_pid)
    total = own + sum(one.memory_bytes for one in figures.values())
    pid, size = platform.supervisor_pid, f"{own / _MIB:.0f} MiB"
    rows.append(("supervisor", "", pid, "", "", size, "", "", ""))
    well = platform.phase != "ready" or all(each.is_well for each in platform.processes)
    phase = platform.phase if well else "[yellow]not_ready[/]"
    rows.append(("all", phase, "", "", "", f"{total / _MIB:.0f} MiB", "", "", ""))
    return table(_COLUMNS, rows)  # type: ignore[no-any-return]


def as_json(
    platform: PlatformState, figures: dict[str, Figures], notes: Notes = NONE
) -> dict[str, Any]:
    """The same for programs."""
    processes = []
    for process in platform.processes:
        one = figures.get(process.name)
        processes.append(
            {
                **process.model_dump(exclude={"created"}),
                "memory_bytes": one.memory_bytes if one else None,
                "lag": one.lag if one else None,
                "notes": dict(notes.get(process.name, {})),
            }
        )
    return {
        "phase": platform.phase,
        "ready": all(process.is_well for process in platform.processes),
        "supervisor_pid": platform.supervisor_pid,
        "processes": processes,
    }


class LiveView:
    """The table that ``up`` keeps on the terminal; drawn by the display's own thread."""

    def __init__(self) -> None:
        from deploy.embedded.figures import Meter

        self._meter = Meter()
        self._latest: PlatformState | None = None

    def observe(self, platform: PlatformState) -> None:
        """Take the newest state."""
        self._latest = platform

    def __rich__(self) -> RenderableType:
        """Draw now."""
        from deploy.embedded.services import SERVICES

        if self._latest is None:
            return "starting"
        figures = self._meter.sample(self._latest, tuple(SERVICES), time.monotonic())
        return as_table(self._latest, figures)


def noted(notes: Mapping[str, object]) -> str:
    """What a ready service has to say, in a line."""

    def said(value: object) -> str:
        if isinstance(value, dict):
            return ", ".join(f"{name} {one}" for name, one in value.items())
        text = str(value).strip().replace(":\n", ": ").replace("\n", "; ")
        return text if len(text) <= LONGEST_NOTE else f"{text[: LONGEST_NOTE - 1]}…"

    return "; ".join(f"{name}: {said(value)}" for name, value in notes.items())


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
