"""A catalog on which commits go wrong as they do over a network.

Each fault is consumed by one call of ``commit_table``; without one a commit simply succeeds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import TableRequirement, TableUpdate
from requests.exceptions import ReadTimeout

from tests.support.pointer_catalog import PointerCatalog, Pointers

Send = Callable[[], CommitTableResponse]
Fault = Callable[["FaultyCatalog", Send], CommitTableResponse]


class FaultyCatalog(PointerCatalog):
    """Commits through ``faults``, in order.

    Attributes:
        calls: calls of ``commit_table`` so far.
        held: requests that are still under way: they may arrive at any later time.
    """

    def __init__(self, warehouse: str, pointers: Pointers | None = None) -> None:
        super().__init__(warehouse, pointers)
        self.faults: deque[Fault] = deque()
        self.calls = 0
        self.held: list[Send] = []

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        self.calls += 1
        commit = super().commit_table

        def send() -> CommitTableResponse:
            return commit(table, requirements, updates)

        return self.faults.popleft()(self, send) if self.faults else send()

    def deliver_held(self) -> int:
        """The requests under way arrive now; how many of them the catalog accepts."""
        accepted = 0
        held, self.held = self.held, []
        for send in held:
            try:
                send()
            except CommitFailedException:
                continue
            accepted += 1
        return accepted


def conflict(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
    """The catalog says 409 although nobody else committed."""
    raise CommitFailedException("injected: requirement failed")


def lost_request(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
    """The request never arrives."""
    raise ReadTimeout("injected: no answer")


def lost_response(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
    """The commit happens, its answer does not arrive."""
    send()
    raise ReadTimeout("injected: no answer")


def late(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
    """No answer, and the request arrives later."""
    catalog.held.append(send)
    raise ReadTimeout("injected: no answer")


def answers(error: Exception) -> Fault:
    """The catalog answers with an error and has done nothing."""

    def fault(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
        raise error

    return fault


def answers_after_commit(error: Exception) -> Fault:
    """The catalog has committed and answers with an error all the same."""

    def fault(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
        send()
        raise error

    return fault


def after(event: Callable[[], object]) -> Fault:
    """Something happens between the load and the arrival of the commit."""

    def fault(catalog: FaultyCatalog, send: Send) -> CommitTableResponse:
        event()
        return send()

    return fault
