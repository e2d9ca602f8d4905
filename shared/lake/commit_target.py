"""What the one commit function asks of a catalog: a state to decide on, a place to write, one send.

The commit knows nothing else of catalogs. :class:`shared.lake.handle.TableHandle` is the real
one; a test may explore the protocol with a catalog that lives in memory.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from shared.lake.decisions import Change
from shared.lake.table_state import TableState
from shared.lake.thinning import ThinningPlan


class Staged(Protocol):
    """A snapshot whose manifests are written and of which no catalog knows yet."""

    @property
    def snapshot_id(self) -> int:
        """Of the snapshot to be added."""

    @property
    def asserted_id(self) -> int | None:
        """The head, of the branch that it moves, that the send asserts."""


StagedT = TypeVar("StagedT", bound=Staged)


class CommitTarget(Protocol[StagedT]):
    """One table, to commit to; used by one thread at a time.

    A remembered state may be stale. That is safe: the send asserts the head on which it was
    staged, so staleness shows as a conflict, never as a wrong commit.
    """

    @property
    def name(self) -> str:
        """Logical name of the table, for people."""

    @property
    def remembered(self) -> bool:
        """Whether :meth:`state` answers from memory, and so may be stale."""

    def state(self) -> TableState:
        """The table as remembered; loaded when it is not.

        Raises:
            NotFound: the catalog has no such table.
            OSError, pyiceberg.exceptions.RESTError: the catalog does not answer, or refuses.
        """

    def reload(self) -> TableState:
        """The table as it is now; raises as :meth:`state`."""

    def forget(self) -> None:
        """Load at the next use of :meth:`state`."""

    def stage_change(self, state: TableState, change: Change, history: ThinningPlan) -> StagedT:
        """Write what a change of the head of ``state`` needs; the catalog is told nothing.

        Raises:
            Stale: the change does not fit that head; nothing was written.
            OSError: the object store did not take it; nothing can come of it any more.
        """

    def send(self, staged: StagedT) -> TableState:
        """Ask the catalog, once, to make it the head; the table right after it, remembered.

        Raises:
            pyiceberg.exceptions.CommitFailedException: the head is another one; nothing happened.
            pyiceberg.exceptions.BadRequestError, ForbiddenError, UnauthorizedError,
                AuthorizationExpiredError, NoSuchTableError: refused; nothing happened.
            Exception: any other leaves the outcome unknown.
        """

    def discard(self, staged: StagedT) -> None:
        """Delete what was staged. Only for an attempt that can never succeed any more."""
