"""By which files and deleted positions two snapshots of a table differ.

Files are told apart by path, among the manifests that the two do not share. Sequence numbers would
not do: a rewrite may give its files the old ones. Parents are not asked either: they may be gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import Table

from shared.lake.reading.deleted_positions import NONE, Named, deleted_positions, named_by, without
from shared.lake.reading.live_files import LiveFile, LiveFiles, files_in, manifests
from shared.lake.table_state import SnapshotEntry

Files = Mapping[str, LiveFile]
"""Data files by path."""


@dataclass(frozen=True, slots=True)
class FileChanges:
    """What is different.

    Attributes:
        came, went: data files that only the later or only the earlier snapshot has.
        stayed: data files of both, as far as a differing delete file names them.
        before: deleted positions of ``went`` and ``stayed`` in the earlier snapshot.
        after: deleted positions of ``came`` and ``stayed`` in the later one.
    """

    came: Files
    went: Files
    stayed: Files
    before: Named
    after: Named

    def deleted(self) -> Named:
        """Positions of ``stayed`` whose rows are no more."""
        return self._only(self.after, self.before)

    def restored(self) -> Named:
        """Positions of ``stayed`` whose rows are there again: a delete file went."""
        return self._only(self.before, self.after)

    def rows_more(self) -> int:
        """By how many rows the later snapshot is larger."""
        more = sum(live.file.record_count for live in self.came.values())
        fewer = sum(live.file.record_count for live in self.went.values())
        gone = sum(map(len, self.after.values())) - sum(map(len, self.before.values()))
        return more - fewer - gone

    def _only(self, ours: Named, others: Named) -> Named:
        found = {
            path: without(ours[path], others.get(path, NONE))
            for path in self.stayed.keys() & ours.keys()
        }
        return {path: positions for path, positions in found.items() if len(positions)}


def file_changes(table: Table, start: SnapshotEntry | None, end: SnapshotEntry) -> FileChanges:
    """By what ``end`` differs from ``start``.

    Of manifests that both snapshots have, those of data are looked at only where rows of a file in
    them were deleted, those of deletes only where a file's deleted positions have to be known.

    Raises:
        Refused: a file concerned cannot be read here.
        OSError: the object store does not answer, or lacks a file.
    """
    before, after = manifests(table.io, start), manifests(table.io, end)
    own_before = files_in(table, (before[path] for path in before.keys() - after.keys()))
    own_after = files_in(table, (after[path] for path in after.keys() - before.keys()))
    came = _besides(own_after.data, own_before.data)
    went = _besides(own_before.data, own_after.data)
    stayed = _stayed(table, after, own_before, own_after, came.keys() | went.keys())
    stood = {path: own_before.data.get(path, live) for path, live in stayed.items()}
    then, now = {**went, **stood}, {**came, **stayed}
    return FileChanges(
        came,
        went,
        stayed,
        deleted_positions(table.io, then, _deletes(table, before, then)),
        deleted_positions(table.io, now, _deletes(table, after, now)),
    )


def _besides(files: Files, others: Files) -> dict[str, LiveFile]:
    return {path: live for path, live in files.items() if path not in others}


def _deletes(table: Table, listed: Mapping[str, ManifestFile], files: Files) -> Iterable[LiveFile]:
    """Delete files that may apply to these data files: manifests of older ones are left out."""
    if not files:
        return ()
    oldest = min(live.sequence_number for live in files.values())
    chosen = [
        each
        for each in listed.values()
        if each.content == ManifestContent.DELETES and each.sequence_number >= oldest
    ]
    return files_in(table, chosen).deletes.values()


def _stayed(
    table: Table,
    after: Mapping[str, ManifestFile],
    own_before: LiveFiles,
    own_after: LiveFiles,
    others: Iterable[str],
) -> dict[str, LiveFile]:
    """Data files of both snapshots that a delete file names which only one of them has.

    A delete file may name files that are in neither: they came and went between the two.
    """
    differing = [
        *_besides(own_after.deletes, own_before.deletes).values(),
        *_besides(own_before.deletes, own_after.deletes).values(),
    ]
    named = {
        path for each in named_by(table.io, [live.file for live in differing]) for path in each
    }
    named |= {  # the same path under another number: other deletes may apply to it
        path
        for path in own_before.data.keys() & own_after.data.keys()
        if own_before.data[path].sequence_number != own_after.data[path].sequence_number
    }
    named -= set(others)
    if not named:
        return {}
    data = [each for each in after.values() if each.content == ManifestContent.DATA]
    live = files_in(table, data).data
    return {path: live[path] for path in named & live.keys()}
