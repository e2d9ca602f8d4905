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
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

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
from pyiceberg.manifest import DataFile

from shared.lake.commit_target import CommitTarget, Staged, StagedT
from shared.lake.positions import Positions
from shared.lake.recorded import Recorded, ancestors, recorded
from shared.lake.table_state import SnapshotEntry, TableState
from shared.lake.thinning import ThinningPlan, ThinningPolicy, plan
from shared.runtime.errors import Refused, Unavailable

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
class Head:
    """The head on which a commit is decided."""

    state: TableState
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class Append:
    """A decision: add these files and move to these positions.

    ``files`` may be empty: a snapshot that only states positions.
    """

    files: Sequence[DataFile]
    positions: Positions
    summary: Mapping[str, str] = field(default_factory=dict)


Decide = Callable[[Head, bool], Append | None]
"""(head, whether files of earlier attempts may be named again) → what to commit on that head."""


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


@dataclass(frozen=True, slots=True)
class Thinning:
    """What the thinning of one commit may do."""

    policy: ThinningPolicy
    pinned: Collection[int] = ()
    announced: int | None = None


def commit(
    target: CommitTarget[StagedT],
    decide: Decide,
    *,
    commit_id: str,
    writer: str,
    thinning: Thinning | None = None,
    patience_s: float = 60.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Commit one snapshot to one table, exactly once per ``commit_id``.

    May be called again with the same ``commit_id`` after it raised: an attempt that succeeded
    after all is found.

    Args:
        target: the table.
        decide: called on every head that is tried; whatever it raises ends the commit.
        commit_id: identity of this commit, written into the snapshot.
        writer: name of the service, written into the snapshot.
        thinning: removal of old snapshots in the same atomic update.
        patience_s: how long conflicts and unknown outcomes are met with another attempt.
        clock, sleep: time, in seconds.

    Raises:
        Unavailable: no attempt came to a known end within ``patience_s``; the outcome is unknown.
        Refused: the catalog refuses the request as such.
        NotFound: the table does not exist.
    """
    deadline = clock() + patience_s
    conflicts = unknowns = 0
    while True:
        remembered = target.remembered
        state = _load(target, deadline, clock, sleep)
        if (landed := find_commit(state, commit_id)) is not None:
            return Outcome(Result.FOUND, landed, state, conflicts, unknowns)
        decision = decide(Head(state, recorded(state)), unknowns == 0)
        if decision is None:
            if remembered:  # no request follows that would show it to be stale
                target.forget()
                continue
            return Outcome(Result.NOTHING, None, state, conflicts, unknowns)
        history = _thin(state, thinning, clock)
        summary = {
            KEY_COMMIT: commit_id,
            KEY_WRITER: writer,
            **decision.positions.to_summary(),
            **decision.summary,
        }
        staged: StagedT | None = None
        try:
            staged = target.stage(state, decision.files, summary, decision.positions, history)
            after = target.send(staged)
        except CommitFailedException as error:
            conflicts += 1
            log.debug("commit conflict", table=target.name, error=str(error))
            target.forget()
            if staged is not None and unknowns == 0:
                now = _load(target, deadline, clock, sleep)
                if _certainly_lost(now, staged, commit_id):
                    target.discard(staged)
        except (BadRequestError, ForbiddenError, UnauthorizedError, AuthorizationExpiredError) as e:
            target.forget()
            raise Refused(
                f"the catalog refuses to commit to {target.name}: {e}",
                "check the catalog's credential and the table's definition",
            ) from e
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


def find_commit(state: TableState, commit_id: str) -> SnapshotEntry | None:
    """The ancestor of the head that carries ``commit_id``, if any."""
    for snapshot in ancestors(state):
        if snapshot.summary.get(KEY_COMMIT) == commit_id:
            return snapshot
    return None


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


def _thin(state: TableState, thinning: Thinning | None, clock: Callable[[], float]) -> ThinningPlan:
    if thinning is None:
        return ThinningPlan()
    return plan(
        state,
        int(clock() * 1000),
        thinning.policy,
        pinned=thinning.pinned,
        announced=thinning.announced,
    )


def _certainly_lost(now: TableState, staged: Staged, commit_id: str) -> bool:
    """Whether an attempt can never succeed any more: the head that it asserts is gone.

    A proxy that repeats requests can turn a success into a conflict, so the snapshot is looked
    for, too, whether it is still in the ancestry or was rolled back since.
    """
    moved = now.current_snapshot_id != staged.parent_snapshot_id
    landed = now.snapshot_by_id(staged.snapshot_id) is not None
    return moved and not landed and find_commit(now, commit_id) is None
