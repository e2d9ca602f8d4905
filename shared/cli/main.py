"""The entry point ``bergline``: finds the command, runs it, turns errors into messages.

A command's module is imported only when that command is used, so that ``--help`` stays fast;
its one-line help therefore stands in the table below. Each module has ``app``, a Typer
application: with one command it *is* that command, with several it is a group.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

DEBUG_VARIABLE = "BERGLINE_DEBUG"


@dataclass(frozen=True, slots=True)
class Entry:
    """A command or group: the module with ``app``, and its line in ``--help``."""

    module: str
    help: str


COMMANDS: Mapping[str, Entry] = MappingProxyType(
    {
        "up": Entry("shared.cli.up", "Run the embedded platform on this machine."),
        "down": Entry("shared.cli.down", "Stop the embedded platform."),
        "status": Entry("shared.cli.status", "Show what runs and whether it is ready."),
        "restart": Entry("shared.cli.restart", "Restart one service of the embedded platform."),
        "logs": Entry("shared.cli.logs", "Show the logs of the embedded platform."),
        "demo": Entry(
            "shared.cli.demo", "Post webhooks of every source to a fresh platform, check each."
        ),
        "bootstrap": Entry(
            "shared.cli.bootstrap", "Create topics and tables, check existing ones."
        ),
        "topics": Entry("shared.cli.topics", "Topics: list, tail, go on after a stop."),
        "groups": Entry("shared.cli.groups", "Consumer groups beside the tables' positions."),
        "tables": Entry("shared.cli.tables", "Tables: list, show, history, data files."),
        "offsets": Entry("shared.cli.offsets", "Where a table stands in its topics; settle it."),
        "counts": Entry("shared.cli.counts", "Prove that every offset is a row or a stated gap."),
        "spool": Entry("shared.cli.spool", "What ingest keeps on disk; send it, or put it aside."),
        "dlq": Entry("shared.cli.dlq", "Dead letters: list, show, send again, remove."),
        "alerts": Entry("shared.cli.alerts", "Alerts: what is wrong, since when, what to do."),
        "query": Entry("shared.cli.query", "Run SQL over the tables, read only."),
        "trace": Entry("shared.cli.trace", "Follow one event from webhook to mart."),
        "freshness": Entry("shared.cli.freshness", "How far tables are behind their topics."),
        "lineage": Entry("shared.cli.lineage", "What every table is built from."),
        "plan": Entry("shared.cli.plan", "What would be built now, and why."),
        "refresh": Entry("shared.cli.refresh", "Build derived tables anew from all input."),
        "verify": Entry("shared.cli.verify", "Check tables: files, keys, rows built again."),
        "quality": Entry("shared.cli.quality", "Check the entity index against staged records."),
        "compact": Entry("shared.cli.compact", "Put small files and deleted rows together."),
        "expire": Entry("shared.cli.expire", "Let old snapshots go, and what only they held."),
        "orphans": Entry("shared.cli.orphans", "Delete files that no snapshot names."),
        "maintain": Entry(
            "shared.cli.maintain", "What maintenance tables need, and why; rarer jobs."
        ),
        "runs": Entry("shared.cli.runs", "Builds by the commit that set them off."),
        "documents": Entry("shared.cli.documents", "Refresh what is generated from declarations."),
        "new": Entry("shared.cli.new", "Begin a source or rule of your own from a template."),
        "check": Entry(
            "shared.cli.check", "Check sources, rules and receivers, your own among them."
        ),
        "ga4": Entry("shared.cli.ga4", "Load exports of Google Analytics 4."),
        "generate": Entry("shared.cli.generate", "What vendors send, as files or signed posts."),
        "bench": Entry("shared.cli.bench", "Run one of the benchmarks of a checkout."),
    }
)
"""Every command. To add one: a module with ``app``, and one line here."""

EPILOG = (
    "Exit codes: 0 done · 1 unexpected error · 2 wrong setting or usage · 3 broker, catalog or "
    "storage does not answer (try again) · 4 what was named does not exist · 5 refused: it would "
    "lose data or needs --yes · 6 a check found something wrong · 130 interrupted."
)


class Desk(TyperGroup):
    """The root group: shows the table, imports what is used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.add_command(TyperCommand(name, help=entry.help))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command named by the first argument, imported now."""
        name, known, rest = super().resolve_command(ctx, args)
        if name is None or known is None:
            return name, known, rest
        command = typer.main.get_command(importlib.import_module(COMMANDS[name].module).app)
        command.name = name
        flow(command)
        return name, command, rest


def flow(command: Any) -> None:
    """Let the paragraphs of a command's help fill the terminal, however the source wraps them."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    for inner in getattr(command, "commands", {}).values():
        flow(inner)


desk = typer.Typer(name="bergline", cls=Desk, no_args_is_help=True, epilog=EPILOG)


@desk.callback()
def root(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the whole trace of an unexpected error.")
    ] = False,
) -> None:
    """Webhooks in, trustworthy Iceberg tables out: the operator's desk."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"
        logging.basicConfig()


def main() -> None:
    """Run the command line; the process ends with the documented exit code."""
    # aiokafka logs an error for each attempt to reach an absent broker, which Python prints where
    # nobody has set up logging; ours says it once.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        typer.main.get_command(desk)(prog_name="bergline")
    except Exception as error:  # noqa: BLE001 the last place where an error can become a message
        sys.exit(_explained(error))


def _explained(error: Exception) -> int:
    from shared.cli import output
    from shared.runtime.errors import BerglineError

    debug = bool(os.environ.get(DEBUG_VARIABLE))
    if debug:
        traceback.print_exception(error)
    if isinstance(error, BerglineError):
        output.fail(error)
        return error.exit_code
    output.fail(
        BerglineError(
            f"unexpected {type(error).__name__}: {error}",
            "" if debug else "`bergline --debug …` shows where; please report it",
        )
    )
    return 1
