"""Does a change that was planned on one head fit another one? Nobody else asks.

The library asks in its own retry only, and engines ask of their own commits. Unasked, a change that
was planned before a compaction brings deleted rows back, a compaction that was planned before a
change shows rows twice, and so do two changes of one row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, DataFileContent, ManifestContent, ManifestFile
from pyiceberg.typedef import Record

from shared.lake.decisions import Delta, Stale
from shared.lake.position_deletes import may_name, named_positions
from shared.lake.provenance import Provenance, traced_at
from shared.lake.reading.live_files import LiveFile, LiveFiles, entries
from shared.lake.table_state import SnapshotEntry, TableState

Partition = tuple[int, Record]
"""Partition spec id and value: what a position delete file and its data files share."""


def listed_files(io: FileIO, manifests: Iterable[ManifestFile]) -> LiveFiles:
    """The live files of these manifests, of whatever kind."""
    data: dict[str, LiveFile] = {}
    deletes: dict[str, LiveFile] = {}
    for manifest in manifests:
        into = data if manifest.content == ManifestContent.DATA else deletes
        into.update((live.file.file_path, live) for live in entries(io, manifest))
    return LiveFiles(data, deletes)


def require_same_origin(state: TableState, ref: str, delta: Delta) -> None:
    """Let pass a build that started from what the head of ``ref`` is built from.

    So of two builds of the same changes one is thrown away, also when both only add rows.

    Raises:
        Stale: somebody else has built the table meanwhile.
    """
    head, planned = state.head(ref), delta.planned
    if not isinstance(delta.carried, Provenance) or head is None:
        return
    if planned is not None and planned.snapshot_id == head.snapshot_id:
        return
    if traced_at(state, head).provenance != traced_at(state, planned).provenance:
        raise Stale("it was built from other sources than those that the head is built from")


def require_fit(
    io: FileIO, live: LiveFiles, state: TableState, head: SnapshotEntry | None, delta: Delta
) -> None:
    """Let pass a delta that fits the head whose files are ``live``.

    Raises:
        Stale: a named or dropped file is gone; a delete file younger than the plan names one of
            them and is not accounted for, or one that is accounted for does not; the plan is of a
            head that was rolled back; a position is deleted twice.
        ValueError: a delete file names a data file that the delta does not.
        OSError: the object store does not answer.
    """
    added = {each.file_path for each in delta.added}
    touched = {*delta.named, *delta.dropped} - added
    if gone := sorted(touched - live.data.keys() - live.deletes.keys()):
        raise Stale(f"{len(gone)} files that the plan names are not live any more: {gone[0]}")
    if strange := sorted(set(delta.named) - live.data.keys() - added):
        raise Stale(f"{strange[0]} is no data file")
    targets = _by_partition(live.data[path] for path in touched & live.data.keys())
    planned = delta.planned
    unseen = set(delta.accounted)
    if touched and (head is None or planned is None or head.snapshot_id != planned.snapshot_id):
        if head is None or planned is None or _rolled_back(state, head, planned):
            raise Stale("it was planned on a head that is none of the present history")
        for delete in live.deletes.values():
            if delete.sequence_number <= planned.sequence_number:
                continue
            if (named := _named_among(io, delete.file, targets)) is None:
                continue
            path = delete.file.file_path
            if path not in unseen:
                raise Stale(f"{path}, younger than the plan, deletes rows of {named}")
            unseen.remove(path)
    if unseen:
        raise Stale(f"{min(unseen)} is accounted for, and names none of the files on this head")
    _require_once(io, live, delta)


def dangling(live: LiveFiles, dropped: Collection[str]) -> set[str]:
    """Position delete files that delete nothing any more once these data files are gone."""
    emptied = {partition_of(live.data[p].file) for p in dropped if p in live.data}
    if not emptied:
        return set()
    by_partition = _by_partition(e for path, e in live.data.items() if path not in dropped)
    found: set[str] = set()
    for path, delete in live.deletes.items():
        file = delete.file
        if file.content != DataFileContent.POSITION_DELETES or partition_of(file) not in emptied:
            continue
        if not any(
            each.sequence_number <= delete.sequence_number and may_name(file, each.file.file_path)
            for each in by_partition.get(partition_of(file), ())
        ):
            found.add(path)
    return found


def partition_of(file: DataFile) -> Partition:
    """Where a file belongs."""
    return file.spec_id, file.partition


def is_by_value(file: DataFile) -> bool:
    """Whether it is an equality delete file, which may take rows out of any older file."""
    return bool(file.content == DataFileContent.EQUALITY_DELETES)


def _by_partition(files: Iterable[LiveFile]) -> dict[Partition, list[LiveFile]]:
    found: dict[Partition, list[LiveFile]] = {}
    for each in files:
        found.setdefault(partition_of(each.file), []).append(each)
    return found


def _rolled_back(state: TableState, head: SnapshotEntry, planned: SnapshotEntry) -> bool:
    """Whether ``planned`` is certainly none of the head's ancestors.

    Where parents are thinned away it cannot be told; sequence numbers must do then.
    """
    snapshot: SnapshotEntry | None = head
    while snapshot is not None and snapshot.snapshot_id != planned.snapshot_id:
        if snapshot.sequence_number <= planned.sequence_number:
            return True
        if snapshot.parent_snapshot_id is None:
            return True
        if snapshot.parent_snapshot_id == planned.snapshot_id:
            return False
        snapshot = state.snapshot_by_id(snapshot.parent_snapshot_id)
    return False


def _named_among(
    io: FileIO, delete: DataFile, targets: dict[Partition, list[LiveFile]]
) -> str | None:
    """One of the files that a younger delete file names: they were read without it."""
    own = targets.get(partition_of(delete), ())
    if is_by_value(delete):
        record = delete.partition
        everywhere = all(record[at] is None for at in range(len(record)))
        if own or everywhere:
            raise Stale(f"{delete.file_path} deletes by value and is younger than the plan")
        return None
    suspects = {e.file.file_path for e in own if may_name(delete, e.file.file_path)}
    if not suspects:
        return None
    return min(suspects & named_positions(io, delete).keys(), default=None)


def _require_once(io: FileIO, live: LiveFiles, delta: Delta) -> None:
    """No position is deleted that the head, or another file of the change, deletes already."""
    deletes, named, dropped = delta.deletes, set(delta.named), set(delta.dropped)
    seen: dict[str, list[pa.Array]] = {}
    partitions = {partition_of(each) for each in deletes}
    for delete in live.deletes.values():
        file = delete.file
        if is_by_value(file) or partition_of(file) not in partitions:
            continue
        if file.file_path in dropped or not any(may_name(file, path) for path in named):
            continue
        for path, positions in named_positions(io, file).items():
            data = live.data.get(path)
            if data is None or data.sequence_number <= delete.sequence_number:  # else it is none
                seen.setdefault(path, []).append(positions)
    for file in deletes:
        new = named_positions(io, file)
        if unnamed := sorted(new.keys() - named):
            raise ValueError(f"{file.file_path} deletes rows of {unnamed[0]}, which is not named")
        for path, positions in new.items():
            for before in seen.get(path, ()):
                if pc.any(pc.is_in(positions, before)).as_py():
                    raise Stale(f"{file.file_path} deletes rows of {path} that are deleted already")
        for path, positions in new.items():
            seen.setdefault(path, []).append(positions)
