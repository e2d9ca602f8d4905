"""Which snapshots a table keeps: dense now, a minute apart for an hour, an hour apart for a week.

One commit a second for seven days would be 604,800 snapshots and megabytes of metadata in every
commit. The plan is a pure function of the state and rides on the commit itself, as part of
the same atomic update. What it removes is deleted later by :mod:`shared.lake.sweeping`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from shared.lake.positions import KEY_FORMAT
from shared.lake.sweeping import SAFE_DELAY_S
from shared.lake.table_state import KEY_BRANCH, SnapshotEntry, TableState

TAG_PREFIX = "bergline-hour-"

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

_sequence = attrgetter("sequence_number")


@dataclass(frozen=True, slots=True)
class ThinningPolicy:
    """How long each grain is kept, in milliseconds, and how many removals one commit carries.

    What a reader has recorded is kept for ``pinned_ms`` from when it ceased to be the newest; a
    reader that is away for longer finds its snapshot gone and builds in full. What was the head
    within ``scan_ms`` is kept: somebody may be about to read it.
    """

    dense_ms: int = 2 * _MINUTE
    minutes_ms: int = _HOUR
    hours_ms: int = 7 * _DAY
    pinned_ms: int = _DAY
    scan_ms: int = int(SAFE_DELAY_S * 1000)
    max_removals: int = 200
    max_unannounced: int = 1000


@dataclass(frozen=True, slots=True)
class ThinningPlan:
    """What a commit does to the history besides adding its own snapshot."""

    remove: tuple[int, ...] = ()
    tag: tuple[tuple[str, int], ...] = ()
    untag: tuple[str, ...] = ()


def hour_tag(timestamp_ms: int) -> str:
    """Name of the tag of an hour, UTC: ``bergline-hour-2026110517``."""
    return TAG_PREFIX + datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("%Y%m%d%H")


def plan(
    state: TableState,
    now_ms: int,
    policy: ThinningPolicy,
    *,
    pinned: Collection[int] = (),
    announced: int | None = None,
) -> ThinningPlan:
    """Plan the thinning of ``state`` as of ``now_ms``.

    Never removed: the head and what was the head a moment ago, snapshots that any branch or foreign
    tag names, ``pinned`` ones (what live readers have recorded), those younger than the dense
    window, and those whose sequence number is above ``announced`` (bounded by
    ``max_unannounced``, newest first). A foreign snapshot keeps those below it down to the first
    of ours: after a rollback to it, that one says where the table stands.

    What was committed to a branch was never a version of ``main``, so no grain keeps it: beyond
    the dense window only the branches' heads stay.

    Args:
        state: the head that the commit asserts.
        now_ms: milliseconds since the epoch.
        policy: the grains.
        pinned: snapshot ids that readers have recorded.
        announced: last announced sequence number, ``None`` when nothing waits for it.
    """
    head = state.current_snapshot()
    if head is None:
        return ThinningPlan()
    our_tags = hour_tags(state)
    kept = protected(state, now_ms, policy, pinned=pinned, announced=announced)
    last_of_minute: dict[int, int] = {}
    last_of_hour: dict[int, int] = {}
    for snapshot in sorted(state.snapshots, key=_sequence):
        age = now_ms - snapshot.timestamp_ms
        if age < policy.dense_ms:
            kept.add(snapshot.snapshot_id)
        if KEY_BRANCH in snapshot.summary:
            continue
        if age < policy.minutes_ms:
            last_of_minute[snapshot.timestamp_ms // _MINUTE] = snapshot.snapshot_id
        if age < policy.hours_ms:
            last_of_hour[snapshot.timestamp_ms // _HOUR] = snapshot.snapshot_id
    kept.update(last_of_minute.values())
    kept.update(last_of_hour.values())
    kept |= below_foreign(state, kept)

    current_hour = now_ms // _HOUR
    wanted_tags = {
        hour_tag(hour * _HOUR): snapshot_id
        for hour, snapshot_id in last_of_hour.items()
        if hour < current_hour
    }
    untag = sorted(name for name in our_tags if name not in wanted_tags)
    tag = sorted(
        (name, snapshot_id)
        for name, snapshot_id in wanted_tags.items()
        if our_tags.get(name) != snapshot_id
    )
    remove = [
        snapshot.snapshot_id for snapshot in state.snapshots if snapshot.snapshot_id not in kept
    ]
    return ThinningPlan(tuple(remove[: policy.max_removals]), tuple(tag), tuple(untag))


def lasting(state: TableState, now_ms: int) -> SnapshotEntry | None:
    """The newest version of ``main`` that is the last one of its minute, and will stay so.

    Thinning keeps it until it is an hour old, for whoever reads for longer than every snapshot is
    kept. ``None`` when there is none.
    """
    last_of_minute: dict[int, SnapshotEntry] = {}
    for each in sorted(state.snapshots, key=_sequence):
        if KEY_BRANCH not in each.summary:
            last_of_minute[each.timestamp_ms // _MINUTE] = each
    snapshot = state.current_snapshot()
    while snapshot is not None:
        minute = snapshot.timestamp_ms // _MINUTE
        if minute < now_ms // _MINUTE and last_of_minute.get(minute) == snapshot:
            return snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else state.snapshot_by_id(parent)
    return None


def hour_tags(state: TableState) -> dict[str, int]:
    """Our own tags and the snapshots that they name."""
    return {
        name: ref.snapshot_id for name, ref in state.refs.items() if name.startswith(TAG_PREFIX)
    }


def protected(
    state: TableState,
    now_ms: int,
    policy: ThinningPolicy,
    *,
    pinned: Collection[int] = (),
    announced: int | None = None,
) -> set[int]:
    """What goes at no age: the head and what was the head within ``scan_ms``, what a branch or a
    tag of others names, what readers have recorded and was not superseded ``pinned_ms`` ago, what
    is not announced yet. Arguments as for :func:`plan`."""
    ours = hour_tags(state)
    kept = {ref.snapshot_id for name, ref in state.refs.items() if name not in ours}
    head = state.current_snapshot()
    if head is not None:
        kept.add(head.snapshot_id)
    kept |= _heads_lately(state, now_ms - policy.scan_ms)
    if announced is not None:
        waiting = [
            s for s in state.snapshots if _sequence(s) > announced and KEY_BRANCH not in s.summary
        ]
        waiting.sort(key=_sequence)
        kept.update(s.snapshot_id for s in waiting[-policy.max_unannounced :])
    if pinned:
        held = set(pinned)
        above = successors(state, [s for s in state.snapshots if s.snapshot_id in held])
        for key, top in above.items():
            if top is None:
                kept.add(key)
            elif now_ms - top.timestamp_ms < policy.pinned_ms:
                kept |= {key, top.snapshot_id}  # without that one, nobody could tell since when
    return kept


def successors(
    state: TableState, asked: Sequence[SnapshotEntry]
) -> dict[int, SnapshotEntry | None]:
    """Id → by which snapshot it ceased to be the newest of its line; ``None``: not known to yet.

    Age says nothing about that: after a week of quiet the head is a week old. It is the snapshot
    on top, of several the last, as the table was rolled back in between. Where that one is thinned
    away, or a rollback has left nothing on top, it is the next version committed, which is later.
    """
    wanted = {each.snapshot_id for each in asked}
    found: dict[int, SnapshotEntry | None] = {}
    for each in state.snapshots:
        below = each.parent_snapshot_id
        if below in wanted:
            known = found.get(below)
            found[below] = each if known is None else max(known, each, key=_sequence)
    topless = [each for each in asked if each.snapshot_id not in found]
    if topless:
        versions = _versions(state)
        for each in topless:
            at = bisect_right(versions, _sequence(each), key=_sequence)
            found[each.snapshot_id] = versions[at] if at < len(versions) else None
    return found


def _heads_lately(state: TableState, since_ms: int) -> set[int]:
    """What was the head at ``since_ms``, and what was rolled back to after that.

    Of the latter the first commit on top is kept as well: nothing else tells of the rollback.
    Whatever was committed since is not among them: its manifests are swept after a delay.
    """
    found: set[int] = set()
    versions = _versions(state)
    while versions:
        each = versions.pop()
        if each.timestamp_ms <= since_ms:
            found.add(each.snapshot_id)
            break
        parent = each.parent_snapshot_id
        if parent is None or not versions or versions[-1].snapshot_id == parent:
            continue
        if state.snapshot_by_id(parent) is not None:
            found |= {each.snapshot_id, parent}
    return found


def _versions(state: TableState) -> list[SnapshotEntry]:
    """What was committed to ``main``, oldest first."""
    return sorted((s for s in state.snapshots if KEY_BRANCH not in s.summary), key=_sequence)


def below_foreign(state: TableState, kept: Collection[int]) -> set[int]:
    """The ancestors of kept foreign snapshots, down to the nearest one of ours."""
    found: set[int] = set()
    for snapshot_id in kept:
        snapshot = state.snapshot_by_id(snapshot_id)
        while snapshot is not None and KEY_FORMAT not in snapshot.summary:
            parent = snapshot.parent_snapshot_id
            if parent is None or parent in found:
                break
            found.add(parent)
            snapshot = state.snapshot_by_id(parent)
    return found
