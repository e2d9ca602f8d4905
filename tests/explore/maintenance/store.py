"""An object store in memory: real files, a clock of its own, and a point at every request."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa
from pyiceberg.io import FileIO, InputFile, OutputFile

from shared.lake.maintenance.listing import StoredObject

PAGE = 7
"""Objects in a page of a listing: few, so that others act between two pages."""


class Watcher(Protocol):
    """Who is told of every request to the store."""

    def point(self, kind: str) -> str | None:
        """A request of that kind is about to be made, or was just answered; the fault it meets."""

    def written(self, path: str) -> None:
        """A file is there that was not."""

    def deleting(self, path: str) -> None:
        """A file is about to be gone."""


class Store:
    """Files by path, and when the store got them."""

    def __init__(self, watcher: Watcher, clock: Callable[[], float]) -> None:
        self.files: dict[str, bytes] = {}
        self.times: dict[str, float] = {}
        self._watcher, self._clock = watcher, clock

    def read(self, path: str) -> bytes:
        """A whole file, as somebody who may be met by a fault."""
        self._meet("read")
        return self.content(path)

    def content(self, path: str) -> bytes:
        """A whole file, as the account reads it."""
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def write(self, path: str, content: bytes) -> None:
        """Put a file."""
        self._meet("write")
        self.put(path, content)
        self._meet("written")

    def put(self, path: str, content: bytes) -> None:
        """Put a file without being met by anything."""
        self.files[path], self.times[path] = content, self._clock()
        self._watcher.written(path)

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is an error, as on a disk."""
        self._meet("delete")
        if path not in self.files:
            raise FileNotFoundError(path)
        self._watcher.deleting(path)
        del self.files[path], self.times[path]
        self._meet("deleted")

    def pages(self, location: str) -> Iterator[Sequence[StoredObject]]:
        """As :class:`shared.lake.maintenance.listing.Listing`."""
        below = location.rstrip("/") + "/"
        paths = sorted(path for path in self.files if path.startswith(below))
        for start in range(0, len(paths), PAGE):
            self._meet("read")
            yield [
                StoredObject(path, len(self.files[path]), int(self.times[path] * 1000))
                for path in paths[start : start + PAGE]
                if path in self.files
            ]

    def _meet(self, kind: str) -> None:
        if self._watcher.point(kind):
            raise OSError(f"injected: {kind}")


class StoreIO(FileIO):
    """The store as PyIceberg asks it; ``quiet`` for those who are met by no faults."""

    def __init__(self, store: Store, *, quiet: bool = False) -> None:
        super().__init__({})
        self.store, self.quiet = store, quiet

    def new_input(self, location: str) -> InputFile:
        return _Input(self, location)

    def new_output(self, location: str) -> OutputFile:
        return _Output(self, location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        path = location if isinstance(location, str) else location.location
        self.store.delete(path)


class _Input(InputFile):
    def __init__(self, own: StoreIO, location: str) -> None:
        super().__init__(location)
        self._own = own

    def __len__(self) -> int:
        return len(self._own.store.content(self.location))

    def exists(self) -> bool:
        return self.location in self._own.store.files

    def open(self, seekable: bool = True) -> Any:
        own = self._own
        read = own.store.content if own.quiet else own.store.read
        return pa.BufferReader(read(self.location))


class _Output(OutputFile):
    def __init__(self, own: StoreIO, location: str) -> None:
        super().__init__(location)
        self._own = own

    def __len__(self) -> int:
        return len(self._own.store.content(self.location))

    def exists(self) -> bool:
        return self.location in self._own.store.files

    def to_input_file(self) -> InputFile:
        return _Input(self._own, self.location)

    def create(self, overwrite: bool = False) -> Any:
        return _Upload(self._own, self.location)


class _Upload(io.BytesIO):
    """What is written arrives when it is closed."""

    def __init__(self, own: StoreIO, path: str) -> None:
        super().__init__()
        self._own, self._path = own, path

    def close(self) -> None:
        if self.closed:
            return
        content = self.getvalue()
        super().close()
        write = self._own.store.put if self._own.quiet else self._own.store.write
        write(self._path, content)
