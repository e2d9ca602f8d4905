"""``bergline logs``: what the processes of the embedded platform wrote."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from shared.cli.output import Format, Output

app = typer.Typer(add_completion=False)

_POLL_SECONDS = 0.2


@app.command()
def logs(
    process: Annotated[
        str | None, typer.Argument(help="A process, see `status`; default: all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    tail: Annotated[int, typer.Option(min=0, metavar="N", help="Last lines of each log.")] = 50,
    output: Output = Format.TEXT,
) -> None:
    """Print the last lines of each log, and with -f what is added to them.

    With --output json each line is one JSON object.
    """
    from deploy.embedded import launch
    from deploy.embedded.logs import tail as last_lines
    from shared.runtime.errors import NotFound

    directory = launch.layout().logs
    files = {path.stem: path for path in sorted(directory.glob("*.log"))}
    if not files or process not in (None, *files):
        raise NotFound(
            f"there is no log of {process or 'anything'} in {directory}",
            f"logs are there of: {', '.join(files) or 'nothing; has the platform ever run?'}",
        )
    if process is not None:
        files = {process: files[process]}
    width = max(len(name) for name in files)

    def show(name: str, line: str) -> None:
        if output is Format.JSON:
            print(json.dumps({"process": name, "line": line}, ensure_ascii=False), flush=True)
        elif process is not None:
            print(line, flush=True)
        else:
            print(f"{name:<{width}} | {line}", flush=True)

    ends = {name: path.stat().st_size for name, path in files.items()}
    for name, path in files.items():
        for line in last_lines(path, tail):
            show(name, line)
    if follow:
        for name, line in _added(files, ends):
            show(name, line)


def _added(files: dict[str, Path], positions: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Lines added to the files after these positions, for ever."""
    rest = dict.fromkeys(files, b"")
    while True:
        for name, path in files.items():
            size = path.stat().st_size if path.exists() else 0
            if size < positions[name]:  # emptied in place by the rotation
                positions[name], rest[name] = 0, b""
            if size == positions[name]:
                continue
            with path.open("rb") as file:
                file.seek(positions[name])
                added = file.read(size - positions[name])
            positions[name] += len(added)
            *lines, rest[name] = (rest[name] + added).split(b"\n")
            for line in lines:
                yield name, line.decode(errors="replace")
        time.sleep(_POLL_SECONDS)
