"""``python -m tests.soak``: writers beside an eager maintainer, then the verdict.

Progress goes to standard error, the report to standard output. Exit code 1 when a promise was
broken; logs, data and ledgers are kept then.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, fail, progress
from shared.runtime.errors import BerglineError

app = typer.Typer(add_completion=False)


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.2, help="How long writers write.")] = 30.0,
    output: Output = Format.TEXT,
) -> None:
    """Commit every second to tables that are compacted and tidied up all the time, and judge."""
    made = run(minutes * 60)
    from tests.soak.report import text

    emit(output, made, text(made))
    if made["verdict"] != "clean":
        progress("a promise was broken", kept=made["kept"])
        raise typer.Exit(1)


def run(seconds: float) -> dict[str, Any]:
    """A soak of so many seconds in a directory of its own, which stays when it is broken."""
    from tests.bench.report import machine
    from tests.soak.report import report
    from tests.soak.run import Soak, soak_platform

    where = machine()
    directory = Path(tempfile.mkdtemp(prefix="bergline-soak-"))
    platform = soak_platform(directory)
    keep = False
    try:
        progress("starting", seconds=f"{seconds:g}", directory=directory)
        platform.start()
        soaking = Soak(platform, directory, _told)
        evidence = soaking.run(seconds)
        made = report(evidence, where, soaking.cores, str(directory))
        keep = made["kept"] is not None
    except Exception:
        keep = True
        raise
    else:
        return made
    finally:
        platform.close()
        if not keep:
            shutil.rmtree(directory)


def _told(figures: dict[str, object]) -> None:
    progress(str(figures.pop("step")), **figures)


def main() -> None:
    """Run; SIGTERM ends all processes, too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        typer.main.get_command(app)(prog_name="python -m tests.soak")
    except BerglineError as error:
        fail(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
