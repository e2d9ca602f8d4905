"""What a command prints: a table for people, or one JSON object for programs.

Results go to standard output, progress and errors to standard error. With ``--output json`` the
result is one JSON object on standard output, and progress is one JSON line per step. Colours obey
``NO_COLOR``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from shared.runtime.errors import BerglineError

_WIDTH_WITHOUT_TERMINAL = 160


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


_format: ContextVar[Format] = ContextVar("format", default=Format.TEXT)


def _remember(chosen: Format) -> Format:
    _format.set(chosen)
    return chosen


Output = Annotated[
    Format,
    typer.Option(
        "--output",
        "-o",
        callback=_remember,
        envvar="BERGLINE_OUTPUT",
        help="text for people, json for programs.",
    ),
]
"""The option that every command takes: ``output: Output = Format.TEXT``, given to :func:`emit`."""


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or error; wide when that is not a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False)


def emit(output: Format, result: Mapping[str, Any], text: RenderableType) -> None:
    """Print a command's result: ``result`` as JSON, or ``text``, as ``--output`` asks."""
    if output is Format.JSON:
        print(json.dumps(result, default=str, ensure_ascii=False))
    else:
        console().print(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> Any:
    """A plain table; columns whose heading starts with ``>`` are aligned to the right.

    Text cells are Rich markup: data goes through ``rich.markup.escape`` first.
    """
    from rich.table import Table

    drawn = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        drawn.add_column(column.removeprefix(">"), justify="right" if right else "left")
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    return drawn


def progress(step: str, **details: object) -> None:
    """Tell on standard error what is being done; one JSON line with ``--output json``."""
    if _format.get() is Format.JSON:
        print(json.dumps({"step": step, **details}, default=str), file=sys.stderr, flush=True)
    else:
        extra = "".join(f" {name}={value}" for name, value in details.items())
        print(f"{step}{extra}", file=sys.stderr, flush=True)


def fail(error: BerglineError) -> None:
    """Print an error: what and where, then what to do next."""
    if _format.get() is Format.JSON:
        kind = type(error).__name__
        body = {"kind": kind, "what": error.what, "next_step": error.next_step}
        print(json.dumps({"error": body, "exit_code": error.exit_code}, ensure_ascii=False))
    from rich.text import Text

    to = console(stderr=True)
    to.print(Text("error: ", style="bold red") + Text(error.what), soft_wrap=True)
    if error.next_step:
        to.print(Text("next: ", style="bold") + Text(error.next_step), soft_wrap=True)


def confirmed(question: str, yes: bool) -> bool:
    """Whether a destructive command may go on: by ``--yes``, or by an answer on a terminal."""
    if yes:
        return True
    if not sys.stdin.isatty():
        return False
    return typer.confirm(question, err=True)
