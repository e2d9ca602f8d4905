"""An operator states where consumption of a partition goes on: an empty snapshot says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from shared.contracts.identity import uuid7
from shared.lake.commit import Append, Head, Outcome, commit
from shared.lake.commit_target import CommitTarget, StagedT
from shared.lake.positions import PartitionKey, Positions
from shared.runtime.errors import Refused

KEY_ADOPTED = "bergline.adopted"


def adopt(
    target: CommitTarget[StagedT],
    at: Mapping[PartitionKey, int],
    *,
    reason: str,
    actor: str,
    every: Collection[PartitionKey] = (),
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Write a snapshot without rows whose positions go on at ``at``.

    The offsets counted so far stay in the ledger as a closed stretch; the new one carries the
    reason, so that the statement stays visible for ever.

    Args:
        target: the table.
        at: where each partition goes on.
        reason, actor: kept in the table.
        every: all partitions that land in the table. When its positions cannot be found, all of
            them must be stated at once: one left out would be read from its log's start again.
        clock, sleep: time, in seconds.

    Raises:
        Refused: a statement is incomplete; nothing was written.
        Unavailable, NotFound: as :func:`shared.lake.commit.commit`.
    """
    if not reason.strip():
        raise Refused("a reason is required", "say why with --reason; it is kept in the table")
    if not at:
        raise Refused("no partition is stated", "say where each goes on, for example --from 0=1200")
    for (topic, partition), offset in at.items():
        if offset < 0:
            raise Refused(f"{topic}/{partition}: offset {offset} is negative")

    def decide(head: Head, _: bool) -> Append:
        positions = head.recorded.positions
        if positions is None:
            missing = ", ".join(f"{t}/{p}" for t, p in sorted(set(every) - set(at)))
            if missing or not every:
                raise Refused(
                    f"table {target.name} has snapshots but no recorded positions; "
                    f"not stated: {missing or 'which partitions there are'}",
                    "state where every partition goes on in one command, for example "
                    "--from 0=1200 --from 1=1180 --from 2=1311",
                )
            positions = Positions()
        stated = "; ".join(f"{t}/{p}@{offset}" for (t, p), offset in sorted(at.items()))
        for (topic, partition), offset in at.items():
            positions = positions.adopt(topic, partition, at=offset, reason=f"{actor}: {reason}")
        return Append((), positions, {KEY_ADOPTED: f"{stated}: {actor}: {reason}"})

    return commit(target, decide, commit_id=uuid7(), writer="cli", clock=clock, sleep=sleep)
