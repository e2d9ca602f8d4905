"""Branches: a table is built anew aside, and ``main`` takes it over in one asserted update."""

from __future__ import annotations

import time
from collections.abc import Callable

from shared.lake.commit import Head, Outcome, Stale, Take, commit
from shared.lake.commit_target import CommitTarget, StagedT
from shared.lake.table_state import MAIN
from shared.runtime.errors import NotFound, Refused


def start_branch(
    target: CommitTarget[StagedT],
    branch: str,
    *,
    commit_id: str,
    writer: str,
    patience_s: float = 60.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Start ``branch`` with what ``main`` holds; one that exists is started anew.

    Its first snapshot is a child of the head of ``main`` and holds the same files.

    Raises:
        Refused: ``main`` has no snapshot to start from: commit to it instead.
        Unavailable, NotFound: as :func:`shared.lake.commit.commit`.
    """

    def decide(head: Head, _: bool) -> Take:
        if head.state.current_snapshot_id is None:
            raise Refused(f"{target.name} has no snapshot to start a branch from")
        return Take(MAIN)

    return commit(
        target,
        decide,
        commit_id=commit_id,
        writer=writer,
        ref=branch,
        patience_s=patience_s,
        clock=clock,
        sleep=sleep,
    )


def publish_branch(
    target: CommitTarget[StagedT],
    branch: str,
    expected_main: int | None,
    *,
    commit_id: str,
    writer: str,
    patience_s: float = 60.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """``main`` holds what ``branch`` holds, and the branch is gone, in one atomic update.

    ``main`` moves to a snapshot of its own, a child of its present head with the files of the
    branch. Moving it to the branch's head itself would cut off its history, give readers a
    sequence number below one that they have seen and a time at which ``main`` was something else,
    and leave no commit id to find the publication by when its answer is lost.

    Args:
        target: the table.
        branch: its name.
        expected_main: the head of ``main`` that the branch has caught up with.
        commit_id, writer: as for any commit.
        patience_s, clock, sleep: time, in seconds.

    Raises:
        Stale: ``main`` has moved on; catch up on the branch and try again.
        NotFound: there is no such branch.
        Unavailable, Refused: as :func:`shared.lake.commit.commit`.
    """

    def decide(head: Head, _: bool) -> Take:
        if head.state.head(branch) is None:
            raise NotFound(f"{target.name} has no branch {branch}")
        if head.state.current_snapshot_id != expected_main:
            raise Stale(f"main of {target.name} is not at {expected_main} any more")
        return Take(branch, ends=True)

    return commit(
        target,
        decide,
        commit_id=commit_id,
        writer=writer,
        patience_s=patience_s,
        clock=clock,
        sleep=sleep,
    )
