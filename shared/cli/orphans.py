"""``bergline orphans``: files below tables' locations that no snapshot names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from shared.cli.maintaining import DryRun, How, Reason, Target, Timeout, Wait, carry_out
from shared.cli.output import Format, Output
from shared.runtime.errors import ConfigurationError

app = typer.Typer(add_completion=False)

OlderThan = Annotated[
    str | None,
    typer.Option(
        metavar="'YYYY-MM-DD HH:MM:SS'",
        help="Only files last written before, UTC; default 3 days ago.",
    ),
]
AllowYoung = Annotated[
    bool,
    typer.Option(
        "--allow-young",
        help="Also files younger than a day. Only while nothing writes: what is about to be "
        "committed is named by nothing yet.",
    ),
]


def moment_of(text: str | None) -> datetime | None:
    """A moment as an operator writes it; UTC where nothing else is said.

    Raises:
        ConfigurationError: it is none.
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"--older-than {text!r} is no time", "write it as '2026-01-31 18:00:00'"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def past(moment: datetime | None, now: datetime) -> datetime | None:
    """The moment again.

    Raises:
        ConfigurationError: it is in the future: every file would be older.
    """
    if moment is not None and moment > now:
        raise ConfigurationError(
            f"--older-than {moment.isoformat()} is in the future", "name a moment in the past"
        )
    return moment


@app.command()
def orphans(
    target: Target = "all",
    older_than: OlderThan = None,
    allow_young: AllowYoung = False,
    dry_run: DryRun = False,
    wait: Wait = False,
    timeout: Timeout = 3600.0,
    reason: Reason = "",
    output: Output = Format.TEXT,
) -> None:
    """Delete files below tables' locations that no snapshot names.

    They are what crashes and unknown outcomes of commits leave behind. Young files stay: a writer
    may be about to commit them. Without --wait the command is only sent; with it, ends with exit
    code 6 when a table failed, and with 3 when time ran out or no maintainer runs.

    Example: bergline orphans all --older-than '2026-01-31 18:00:00' --dry-run
    """
    from shared.contracts.commands import MaintenanceArguments

    arguments = MaintenanceArguments(
        reason=reason,
        older_than=past(moment_of(older_than), datetime.now(UTC)),
        allow_young=allow_young,
    )
    carry_out("orphans", target, arguments, How(dry_run, wait, timeout, output))
