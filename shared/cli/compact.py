"""``bergline compact``: many small files of tables become few."""

from __future__ import annotations

import typer

from shared.cli.maintaining import DryRun, How, Reason, Target, Timeout, Wait, carry_out
from shared.cli.output import Format, Output

app = typer.Typer(add_completion=False)


@app.command()
def compact(
    target: Target = "all",
    dry_run: DryRun = False,
    wait: Wait = False,
    timeout: Timeout = 3600.0,
    reason: Reason = "",
    output: Output = Format.TEXT,
) -> None:
    """Put small files of tables together, and leave out rows that are deleted.

    Sends a signed command to maintainer, which does so by itself as well, where it pays. Rows stay
    the same, writers and readers are not held up, and readers of changes see none. Space comes free
    when the snapshots that name the old files expire. Without --wait the command is only sent; with
    it, ends with exit code 6 when a table failed, and with 3 when time ran out or no maintainer
    runs. `bergline maintain plan` tells what would be done without being asked.

    Example: bergline compact raw.shopify_orders --wait
    """
    from shared.contracts.commands import MaintenanceArguments

    how = How(dry_run, wait, timeout, output)
    carry_out("compact", target, MaintenanceArguments(reason=reason), how)
