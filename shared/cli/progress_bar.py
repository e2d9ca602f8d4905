"""How far a command is: a bar on a terminal, otherwise a line at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.cli.output import console, progress


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, otherwise a line at the end."""
    to = console(stderr=True)
    done = 0
    if not to.is_terminal:

        def count(more: int) -> None:
            nonlocal done
            done += more

        yield count
        progress(what, deliveries=done)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
    with Progress(*columns, console=to) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.update(task, advance=more)
