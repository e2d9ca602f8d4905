"""How much of its rows a full build holds, and shelves on which the others wait.

Rows on a shelf are held as long as there is room. When there is none, all that wait are written to
files in a directory of the build's own, and read from there when they are asked for. The files hold
customers' data: nobody but the user of the process may read them, and who gives the directory
removes it, whatever becomes of the build.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

import polars as pl
import pyarrow as pa

from services.transformer.framework.frames import union

UNBOUNDED = 2**62

Name = TypeVar("Name", bound=Hashable)


def _nowhere() -> Path:
    raise ValueError("this room has no directory: it must not be bounded")


class Room:
    """What one build may hold.

    Args:
        portion_bytes: of rows that wait on shelves. Rows that are being computed or written, and
            copies made of them, come on top of that.
        directory: gives a private directory; asked when rows have to leave for the first time.
    """

    def __init__(
        self, portion_bytes: int = UNBOUNDED, directory: Callable[[], Path] = _nowhere
    ) -> None:
        self.portion_bytes = portion_bytes
        self.held = 0
        self._directory = directory
        self._waiting: dict[tuple[Shelves[Hashable], Hashable], list[pl.DataFrame]] = {}

    def hold(self, shelves: Shelves[Name], name: Name, rows: pl.DataFrame, size: int) -> None:
        """Let rows wait; all that wait leave when that is too much."""
        key: tuple[Shelves[Hashable], Hashable] = (shelves, name)  # type: ignore[assignment]
        self._waiting.setdefault(key, []).append(rows)
        self.held += size
        if self.held > self.portion_bytes:
            self._leave()

    def waiting(self, shelves: Shelves[Name], name: Name) -> list[pl.DataFrame]:
        """The rows of a shelf that have not left."""
        return self._waiting.get((shelves, name), [])  # type: ignore[arg-type]

    def release(self, shelves: Shelves[Name], name: Name, size: int) -> None:
        """Forget rows that have not left; ``size`` is what they were said to have."""
        if self._waiting.pop((shelves, name), None) is not None:  # type: ignore[arg-type]
            self.held -= size

    def new_file(self) -> Path:
        """A file that is not there yet."""
        return self._directory() / f"{uuid4().hex}.arrows"

    def _leave(self) -> None:
        while self._waiting:
            (shelves, name), frames = self._waiting.popitem()
            shelves.write(name, union(frames))
        self.held = 0
        pa.default_memory_pool().release_unused()


class Shelves(Generic[Name]):
    """Rows of one schema by name.

    Args:
        room: which they share with all other rows of the build.
        none: no rows of theirs.
    """

    def __init__(self, room: Room, none: pl.DataFrame) -> None:
        self._room = room
        self._none = none
        self._files: dict[Name, Path] = {}
        self._sizes: dict[Name, int] = {}
        self._held: dict[Name, int] = {}

    @property
    def names(self) -> list[Name]:
        """Those under which there are rows."""
        return list(self._sizes)

    @property
    def held(self) -> bool:
        """Whether all of them are held."""
        return not self._files

    def size(self, name: Name) -> int:
        """Bytes of the rows of a name, about."""
        return self._sizes.get(name, 0)

    def put(self, name: Name, rows: pl.DataFrame, size: int) -> None:
        """Add rows, of so many bytes. A part of a frame would not know: it shares texts."""
        if rows.is_empty():
            return
        self._sizes[name] = self._sizes.get(name, 0) + size
        self._held[name] = self._held.get(name, 0) + size
        self._room.hold(self, name, rows, size)

    def tables(self, name: Name) -> Iterator[pa.Table]:
        """The rows of a name, as they left. They stay, and may leave while this is read."""
        waiting = list(self._room.waiting(self, name))
        yield from self._left(name)
        yield from (each.to_arrow() for each in waiting)

    def portions(self, name: Name) -> Iterator[pl.DataFrame]:
        """As :meth:`tables`, as frames."""
        waiting = list(self._room.waiting(self, name))
        yield from (_frame(table, self._none) for table in self._left(name))
        yield from waiting

    def _left(self, name: Name) -> Iterator[pa.Table]:
        if (path := self._files.get(name)) is None:
            return
        size = path.stat().st_size
        with pa.OSFile(str(path)) as file:
            while file.tell() < size:
                with pa.ipc.open_stream(file) as stream:
                    yield stream.read_all()

    def rows(self, name: Name) -> pl.DataFrame:
        """All rows of a name. They stay."""
        return union([self._none, *self.portions(name)])

    def taken(self, name: Name) -> pl.DataFrame:
        """All rows of a name, which are forgotten here."""
        rows = self.rows(name)
        self.drop(name)
        return rows

    def drop(self, name: Name) -> None:
        """Forget the rows of a name."""
        self._room.release(self, name, self._held.pop(name, 0))
        self._sizes.pop(name, None)
        if (path := self._files.pop(name, None)) is not None:
            path.unlink()

    def write(self, name: Name, rows: pl.DataFrame) -> None:
        """Add rows to the file of a name. It consists of Arrow streams, one after another, so that
        no file stays open."""
        self._held.pop(name, None)
        if name not in self._files:
            self._files[name] = self._room.new_file()
        table = rows.to_arrow()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with (
            os.fdopen(os.open(self._files[name], flags, 0o600), "ab") as file,
            pa.ipc.new_stream(file, table.schema) as stream,
        ):
            stream.write_table(table)


def _frame(table: pa.Table, none: pl.DataFrame) -> pl.DataFrame:
    found = pl.from_arrow(table)
    if not isinstance(found, pl.DataFrame) or found.schema != none.schema:
        raise TypeError(f"rows left as {none.schema} and came back as {table.schema}")
    return found
