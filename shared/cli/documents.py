"""``bergline documents``: refresh every file that is made from declarations."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from shared.cli.output import Format, Output, emit

app = typer.Typer(add_completion=False)


@app.command()
def documents(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail and name what is stale.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Write schemas, the AsyncAPI document, the reference pages and .env.example.

    Prints the files written. Works in a checkout only.
    """
    # A process of its own: the generator looks into every service, the command line into none.
    arguments = ["--check"] if check else []
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.reference", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    emit(output, {"files": ended.stdout.splitlines()}, ended.stdout.rstrip())
    if ended.returncode:
        raise typer.Exit(ended.returncode)
