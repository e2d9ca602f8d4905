"""A catalog whose commits are real and whose answers go wrong as they do over a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ServiceUnavailableError
from pyiceberg.io import FileIO
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate
from pyiceberg.typedef import EMPTY_DICT, Identifier, Properties

from tests.explore.maintenance.store import Store, StoreIO
from tests.support.pointer_catalog import PointerCatalog

if TYPE_CHECKING:
    from tests.explore.maintenance.process import Process
    from tests.explore.maintenance.world import World

LATE_S = 1500.0
"""A request that is longer on its way never arrives."""


@dataclass(frozen=True, eq=False, slots=True)
class Request:
    """A commit as it is sent.

    Attributes:
        updates: what it changes.
        seen: the version of the table that its sender knew.
        number: of its sender's action, told apart from all others.
        at: when it was sent.
        send: carries it out.
    """

    updates: tuple[TableUpdate, ...]
    seen: int
    number: int
    at: float
    send: Callable[[], CommitTableResponse]

    @property
    def snapshots(self) -> list[Snapshot]:
        """Those that it would add."""
        return [each.snapshot for each in self.updates if isinstance(each, AddSnapshotUpdate)]


class MemoryCatalog(PointerCatalog):
    """One table; its metadata stays decoded."""

    def __init__(self, world: World, store: Store, warehouse: str) -> None:
        super().__init__(warehouse)
        self.world, self.store = world, store
        self.version = 0
        """How often it was changed."""
        self.held: list[tuple[str, Request]] = []
        """Requests on their way, and at what moment they arrive by themselves, if at any."""
        self._documents: dict[str, TableMetadata] = {}
        self._loud, self._quiet = StoreIO(store), StoreIO(store, quiet=True)
        self._sent = 0

    def _load_file_io(
        self, properties: Properties = EMPTY_DICT, location: str | None = None
    ) -> FileIO:
        return self._quiet if self.world.acting is None else self._loud

    def _write_metadata(  # type: ignore[override]
        self, metadata: TableMetadata, io: FileIO, metadata_path: str
    ) -> None:
        self._documents[metadata_path] = metadata
        self.store.put(metadata_path, b"{}")

    @property
    def metadata(self) -> TableMetadata:
        """The truth."""
        (location,) = self.pointers.tables.values()
        return self._documents[location]

    @property
    def metadata_location(self) -> str:
        """Where the truth is written down."""
        (location,) = self.pointers.tables.values()
        return location

    def load_table(self, identifier: str | Identifier) -> Table:
        key = Catalog.identifier_to_tuple(identifier)
        if key not in self.pointers.tables:
            raise NoSuchTableError(f"{key} does not exist")
        process = self.world.acting
        if process is not None:
            self._deliver("before")
            if process.point("load"):
                raise OSError("injected: the catalog does not answer")
            process.seen = self.version
        location = self.pointers.tables[key]
        found = Table(key, self._documents[location], location, self._load_file_io(), self)
        if process is not None:
            self._deliver("after")
        return found

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        process = self.world.acting

        def send() -> CommitTableResponse:
            return self._accept(table, requirements, updates, request)

        self._sent += 1
        now, seen = self.world.clock.now, self.version if process is None else process.seen
        request = Request(updates, seen, self._sent, now, send)
        if process is None:
            return send()
        self.world.audit.sending(request)
        answer = self._answer(process, request)
        process.seen = self.version
        return answer

    def arrive(self, number: int) -> None:
        """One of the requests on their way arrives."""
        if self.held:
            self._land(self.held.pop(number % len(self.held))[1])

    def forget_late(self) -> None:
        """What was on its way for too long is lost."""
        oldest = self.world.clock.now - LATE_S
        self.held = [(when, each) for when, each in self.held if each.at >= oldest]

    def _answer(self, process: Process, request: Request) -> CommitTableResponse:
        effect = process.point("send")
        match effect:
            case "conflict":
                raise CommitFailedException("injected: the head is another one")
            case "lost request":
                self.world.audit.unknown(request)
                raise OSError("injected: no answer")
            case "late" | "late, before the reload" | "late, after the reload":
                self.world.audit.unknown(request)
                self.held.append((effect.removeprefix("late, ").split(" ")[0], request))
                raise OSError("injected: no answer")
            case "error":
                self.world.audit.unknown(request)
                raise ServiceUnavailableError("injected: 503")
        if effect == "lost response":
            self.world.audit.unknown(request)
            self._land(request)
            raise OSError("injected: no answer")
        answer = request.send()
        if process.point("answer"):
            self.world.audit.unknown(request)
            raise ServiceUnavailableError("injected: 503")
        return answer

    def _deliver(self, when: str) -> None:
        for each in [each for each in self.held if each[0] == when]:
            self.held.remove(each)
            self._land(each[1])

    def _land(self, request: Request) -> None:
        try:
            request.send()
        except CommitFailedException:
            self.world.reached["not taken, and nobody was told"] += 1
        else:
            self.world.reached["taken, and nobody was told"] += 1

    def _accept(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
        request: Request,
    ) -> CommitTableResponse:
        with self.world.outside():
            before = self.metadata
            try:
                answer = super().commit_table(table, requirements, updates)
            except ValueError as error:
                if "does not exist" not in str(error):
                    raise
                raise CommitFailedException(str(error)) from error
            self.version += 1
            self.world.audit.accepted(before, answer.metadata, request)
        return answer
