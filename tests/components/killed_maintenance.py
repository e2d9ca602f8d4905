"""``python -m tests.components.killed_maintenance JOB PLACE ENVIRONMENT``: a job that dies there.

A process of its own does a job to the table of :mod:`tests.components.maintained_table` and kills
itself (SIGKILL) at a place; so nothing is flushed, closed or removed on the way out.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from urllib3.connection import HTTPConnection

from shared.contracts.environment import Environment
from shared.lake.catalog import open_catalog
from shared.lake.file_io import DelayedOpenFileIO
from shared.lake.handle import TableHandle
from shared.lake.maintenance.deletion import Deleted, deletion_of
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.runtime.settings import Settings
from tests.components.maintained_table import SPEC, compacted, expired, swept


def die() -> NoReturn:
    """End as after ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody comes here")


def at_file(number: int, ending: str) -> None:
    """Die when the ``number``-th file of that kind is about to be written."""
    new_output, count = DelayedOpenFileIO.new_output, 0

    def counted(io: DelayedOpenFileIO, location: str) -> Any:
        nonlocal count
        count += location.endswith(ending)
        if count == number and location.endswith(ending):
            die()
        return new_output(io, location)

    setattr(DelayedOpenFileIO, "new_output", counted)  # noqa: B010 - a method is replaced


def at_commit(number: int, moment: str) -> None:
    """Die at the ``number``-th commit: ``before`` it is sent, once it is ``sent``, or when its
    answer is there and nobody has read it."""
    update_table, count = BoundedRestCatalog.update_table, 0

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count != number:
            return update_table(*arguments)
        if moment == "before":
            die()
        if moment == "sent":
            setattr(HTTPConnection, "getresponse", lambda _: die())  # noqa: B010 - as below
        update_table(*arguments)
        die()

    setattr(BoundedRestCatalog, "update_table", counted)  # noqa: B010 - a method is replaced


class DyingDeletion:
    """Dies at the ``number``-th deletion, when that share of its files is gone."""

    def __init__(self, handle: TableHandle, number: int, share: float) -> None:
        self._files = deletion_of(handle.table.io)
        self._number, self._share = number, share
        self._count = 0

    def delete(self, paths: Iterable[str]) -> Deleted:
        """As :class:`shared.lake.maintenance.deletion.FileDeletion`."""
        found = list(paths)
        self._count += 1
        if self._count == self._number:
            self._files.delete(found[: int(len(found) * self._share)])
            die()
        return self._files.delete(found)


def main(job: str, place: str, environment: str) -> None:
    """Do the job; returns only where it never comes to the place."""
    handle = TableHandle(open_catalog(Settings()), Environment(environment), SPEC.name)
    kind, number, detail = place.split(":")
    files = None
    if kind == "file":
        at_file(int(number), detail)
    elif kind == "commit":
        at_commit(int(number), detail)
    else:
        files = DyingDeletion(handle, int(number), float(detail))
    jobs: dict[str, Callable[[], object]] = {
        "compact": lambda: compacted(handle),
        "expire": lambda: expired(handle, files),
        "orphans": lambda: swept(handle, files),
    }
    jobs[job]()


if __name__ == "__main__":
    main(*sys.argv[1:])
