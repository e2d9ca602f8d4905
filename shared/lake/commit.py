"""The one way to a snapshot.

Load the head → let the caller decide on it → build the summary from *this* head → send, asserting
that the head is still this one → on conflict start again from the load. The library's own retry is
never used: it would send the old summary again, so that recorded positions go backwards, and it
would not repeat the caller's check.

Outcomes of one attempt:

- *committed*: the catalog answered;
- *conflict* (409): somebody else committed first; nothing happened; decide again;
- *unknown* (no answer, 5xx): it may have happened, or may still happen. The head is loaded and
  searched for this commit's id. If it is not there the next attempt asserts the head just
  loaded, so of the two at most one can ever succeed. Files of an unknown attempt are left for
  the orphan sweep, because a late success may still come to name them.

A change that was planned on another head is checked on the one that is asserted, before anything is
sent: see :class:`shared.lake.decisions.Delta`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import structlog
from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    BadRequestError,
    CommitFailedException,
    CommitStateUnknownException,
    ForbiddenError,
    NoSuchTableError,
    ServerError,
    ServiceUnavailableError,
    UnauthorizedError,
)

from shared.lake.commit_target import CommitTarget, Staged, StagedT
from shared.lake.decisions import Append, Change, Decide, Delta, Head, Stale, Take, change
from shared.lake.recorded import ancestors, recorded
from shared.lake.table_state import KEY_BRANCH, MAIN, SnapshotEntry, TableState
from shared.lake.thinning import ThinningPlan, ThinningPolicy, plan
from shared.runtime.errors import NotFound, Refused, Unavailable

__all__ = [
    "Append",
    "Decide",
    "Delta",
    "Head",
    "HistoryPlan",
    "Outcome",
    "Result",
    "Stale",
    "Take",
    "Thinning",
    "commit",
    "find_commit",
]

KEY_COMMIT = "bergline.commit"
KEY_WRITER = "bergline.writer"

log = structlog.stdlib.get_logger("bergline.lake")


class Result(Enum):
    """How a commit ended."""

    COMMITTED = "committed"
    FOUND = "found"
    """An attempt with unknown outcome turned out to have succeeded."""
    NOTHING = "nothing"
    """The caller decided that the head needs no commit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """End of a commit.

    Attributes:
        result: how it ended.
        snapshot: the snapshot that carries the commit, ``None`` for NOTHING.
        state: the table right after it.
        conflicts, unknowns: how many attempts ended so on the way.
        removed: snapshots that the thinning removed, for the sweep.
    """

    result: Result
    snapshot: SnapshotEntry | None
    state: TableState
    conflicts: int
    unknowns: int
    removed: tuple[SnapshotEntry, ...] = ()


class HistoryPlan(Protocol):
    """What a commit does to the history besides, decided on the head that it asserts."""

    def plan(self, state: TableState, now_ms: int) -> ThinningPlan:
        """The plan for ``state`` as of ``now_ms``."""


@dataclass(frozen=True, slots=True)
class Thinning:
    """What the thinning of one commit may do."""

    policy: ThinningPolicy
    pinned: Collection[int] = ()
    announced: int | None = None

    def plan(self, state: TableState, now_ms: int) -> ThinningPlan:
        """Thin the history of ``state``."""
        return plan(state, now_ms, self.policy, pinned=self.pinned, announced=self.announced)


def commit(
    target: CommitTarget[StagedT],
    decide: Decide,
    *,
    commit_id: str,
    writer: str,
    ref: str = MAIN,
    thinning: HistoryPlan | None = None,
    patience_s: float = 60.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Commit one snapshot to one table, exactly once per ``commit_id``.

    May be called again with the same ``commit_id`` after it raised: an attempt that succeeded
    after all is found. So a caller that plans again keeps the id of its piece of work.

    Args:
        target: the table.
        decide: called on every head that is tried; whatever it raises ends the commit.
        commit_id: identity of this commit, written into the snapshot.
        writer: name of the service, written into the snapshot.
        ref: the branch to commit to.
        thinning: removal of old snapshots in the same atomic update; maintenance has a plan of its
            own here. So whatever removes snapshots moves the head, and a writer that remembers an
            older state is told by a conflict.
        patience_s: how long conflicts and unknown outcomes are met with another attempt.
        clock, sleep: time, in seconds.

    Raises:
        Unavailable: no attempt came to a known end within ``patience_s``; the outcome is unknown.
        Refused: the catalog refuses the request as such.
        Stale: a :class:`Delta` does not fit the head any more; its caller plans again.
        NotFound: the table or the branch does not exist.
    """
    deadline = clock() + patience_s
    conflicts = unknowns = 0
    while True:
        remembered = target.remembered
        state = _load(target, deadline, clock, sleep)
        if (landed := find_commit(state, commit_id, ref)) is not None:
            return Outcome(Result.FOUND, landed, state, conflicts, unknowns)
        try:
            planned = _decided(target, decide, state, ref, unknowns == 0, commit_id, writer)
        except (Stale, NotFound):
            target.forget()
            if remembered:
                continue
            raise
        if planned is None:
            if remembered:  # no request follows that would show it to be stale
                target.forget()
                continue
            return Outcome(Result.NOTHING, None, state, conflicts, unknowns)
        history = ThinningPlan()
        if thinning is not None:
            history = thinning.plan(state, int(clock() * 1000))
        staged: StagedT | None = None
        try:
            staged = target.stage_change(state, planned, history)
            after = target.send(staged)
        except CommitFailedException as error:
            conflicts += 1
            log.debug("commit conflict", table=target.name, error=str(error))
            target.forget()
            if staged is not None and unknowns == 0:
                now = _load(target, deadline, clock, sleep)
                if _certainly_lost(now, staged, commit_id, ref):
                    target.discard(staged)
                target.forget()  # others go on committing while this one tidies up and pauses
        except (BadRequestError, ForbiddenError, UnauthorizedError, AuthorizationExpiredError) as e:
            target.forget()
            raise Refused(
                f"the catalog refuses to commit to {target.name}: {e}",
                "check the catalog's credential and the table's definition",
            ) from e
        except Stale:
            target.forget()
            if not remembered:
                raise
            continue
        except Refused:
            target.forget()
            raise
        except NoSuchTableError:
            target.forget()
        except Exception as error:  # noqa: BLE001 - anything else leaves the outcome unknown
            unknowns += 1
            log.warning(
                "commit outcome unknown",
                table=target.name,
                error=f"{type(error).__name__}: {error}",
            )
            target.forget()
        else:
            snapshot = after.snapshot_by_id(staged.snapshot_id)
            gone = (state.snapshot_by_id(snapshot_id) for snapshot_id in history.remove)
            removed = tuple(each for each in gone if each is not None)
            return Outcome(Result.COMMITTED, snapshot, after, conflicts, unknowns, removed)
        if clock() >= deadline:
            raise Unavailable(
                f"commit to {target.name} did not come to an end within {patience_s:.0f} s "
                f"({conflicts} conflicts, {unknowns} unknown outcomes)",
                "check the catalog and the object store",
            )
        sleep(random.uniform(0.01, 0.05) * min(conflicts + unknowns + 1, 10))  # noqa: S311


def find_commit(state: TableState, commit_id: str, ref: str = MAIN) -> SnapshotEntry | None:
    """The ancestor of a branch's head that carries ``commit_id``, if any."""
    for snapshot in ancestors(state, ref):
        if snapshot.summary.get(KEY_COMMIT) == commit_id:
            return snapshot
    return None


def _decided(
    target: CommitTarget[StagedT],
    decide: Decide,
    state: TableState,
    ref: str,
    may_reuse_files: bool,
    commit_id: str,
    writer: str,
) -> Change | None:
    head = Head(state, recorded(state, ref), ref)
    decision = decide(head, may_reuse_files)
    if decision is None:
        return None
    if ref != MAIN and head.snapshot is None and not isinstance(decision, Take):
        raise NotFound(f"{target.name} has no branch {ref}")
    every = {KEY_COMMIT: commit_id, KEY_WRITER: writer}
    return change(decision, head, every if ref == MAIN else {**every, KEY_BRANCH: ref})


def _load(
    target: CommitTarget[StagedT],
    deadline: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> TableState:
    while True:
        try:
            return target.state()
        except OSError as error:  # requests' exceptions are OSErrors
            failure: Exception = error
        except Exception as error:
            if not _is_server_error(error):
                raise
            failure = error
        if clock() >= deadline:
            raise Unavailable(
                f"catalog does not answer for {target.name}: {failure}",
                "check the catalog and the object store",
            ) from failure
        sleep(0.2)


def _is_server_error(error: Exception) -> bool:
    return isinstance(error, ServerError | ServiceUnavailableError | CommitStateUnknownException)


def _certainly_lost(now: TableState, staged: Staged, commit_id: str, ref: str) -> bool:
    """Whether an attempt can never succeed any more: the head that it asserts is gone.

    A proxy that repeats requests can turn a success into a conflict, so the snapshot is looked
    for, too, whether it is still in the ancestry or was rolled back since.
    """
    moved = now.head_id(ref) != staged.asserted_id
    landed = now.snapshot_by_id(staged.snapshot_id) is not None
    return moved and not landed and find_commit(now, commit_id, ref) is None
