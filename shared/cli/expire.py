"""``bergline expire``: old snapshots of tables go, and the files that only they named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from shared.cli.maintaining import DryRun, How, Reason, Target, Timeout, Wait, carry_out
from shared.cli.orphans import AllowYoung, OlderThan, moment_of, past
from shared.cli.output import Format, Output, progress

app = typer.Typer(add_completion=False)


@app.command()
def expire(
    target: Target = "all",
    retention_days: Annotated[
        float | None,
        typer.Option(min=0, help="Older snapshots expire; default as the table is kept, 7."),
    ] = None,
    retain_last: Annotated[
        int | None,
        typer.Option(help="So many newest stay at any age; default as the table is kept, 3."),
    ] = None,
    remove_orphans: Annotated[
        bool, typer.Option("--remove-orphans", help="Then look for orphans, too.")
    ] = False,
    older_than: OlderThan = None,
    allow_young: AllowYoung = False,
    dry_run: DryRun = False,
    wait: Wait = False,
    timeout: Timeout = 3600.0,
    reason: Reason = "",
    output: Output = Format.TEXT,
) -> None:
    """Let old snapshots of tables go, and delete the files that only they named.

    Never goes: the head, what a branch or a tag names, what is not announced yet, and what a
    derived table says it was built from. With --remove-orphans, tables whose snapshots were looked
    at are then searched for files that nothing names. Age counts from when a snapshot was
    superseded. Without --wait the command is only sent; with it, ends with exit code 6 when a table
    failed, and with 3 when time ran out or no maintainer runs.

    Example: bergline expire raw --retention-days 3 --remove-orphans --wait
    """
    from shared.contracts.commands import MaintenanceArguments
    from shared.runtime.errors import ConfigurationError

    if retain_last is not None and retain_last < 1:
        progress(f"--retain-last {retain_last}: one snapshot always stays, taken as 1")
        retain_last = 1
    if (older_than is not None or allow_young) and not remove_orphans:
        raise ConfigurationError(
            "--older-than and --allow-young are of orphans", "add --remove-orphans"
        )
    arguments = MaintenanceArguments(
        reason=reason,
        retention_days=retention_days,
        retain_last=retain_last,
        remove_orphans=remove_orphans,
        older_than=past(moment_of(older_than), datetime.now(UTC)),
        allow_young=allow_young,
    )
    carry_out("expire", target, arguments, How(dry_run, wait, timeout, output))
