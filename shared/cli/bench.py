"""``bergline bench``: the benchmarks of a checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import shared
from shared.cli.output import Format, Output

app = typer.Typer(add_completion=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="Which one; without a name they are listed.")
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Run one benchmark and print what it measured; other options are passed on to it."""
    from shared.runtime.errors import NotFound

    root = Path(shared.__file__).parents[1]
    if not (root / "tests" / "bench" / "__main__.py").exists():
        raise NotFound(
            f"no benchmarks under {root}: they come with a checkout, not with the package",
            "clone the repository, `make install`, and run this command there",
        )
    command = [sys.executable, "-m", "tests.bench", *([name] if name else []), *context.args]
    code = subprocess.run([*command, "--output", output.value], cwd=root, check=False).returncode
    if code:
        raise typer.Exit(code)
