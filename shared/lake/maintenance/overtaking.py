"""A rewrite as a change of the head that is asserted, whatever others committed meanwhile.

Rows that somebody has deleted from the old files since they were read are found where they went
and deleted there, by delete files that come in the same snapshot as the new files: so a table that
is changed all the time can be compacted, and no reader ever sees a deleted row come back.

Delete files that name old files leave; what they say of files that stay is said anew beside it. Of
many, all of the partition become one.
"""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.lake.commit import Delta, Head, Stale
from shared.lake.divided_deletes import (
    Divided,
    about,
    divide,
    is_position_deletes,
    united,
    without,
)
from shared.lake.head_checks import dangling, partition_of
from shared.lake.maintenance.foreign_files import readable_files
from shared.lake.maintenance.grouping import MANY_DELETES
from shared.lake.maintenance.in_vain import remove_unnamed
from shared.lake.maintenance.rewriting import Rewritten, deleted_now
from shared.lake.position_deletes import named_positions, write_position_deletes
from shared.lake.reading.live_files import LiveFiles
from shared.lake.table_state import SnapshotEntry


class Overtaken(Stale):
    """The rewrite is of no use on this head; it would have to be made anew."""


class Replacement:
    """Decides what a rewrite is on each head that is tried.

    Args:
        table: whose files they are.
        rewritten: what was written.
        planned: the snapshot that was read.
    """

    def __init__(self, table: Table, rewritten: Rewritten, planned: SnapshotEntry) -> None:
        self._table, self._rewritten, self._planned = table, rewritten, planned
        self._written: tuple[dict[str, pa.Array], list[DataFile]] = ({}, [])
        self.translated = 0
        """Positions that others deleted meanwhile, on the head that was decided on last."""
        self.dropped: frozenset[str] = frozenset()
        """Data and delete files that leave, on that head."""
        self.left: tuple[str, ...] = ()
        """Delete files that stay though they might have gone, on that head."""
        self.bytes = rewritten.size
        """Of all files written, in vain or not."""

    def decide(self, head: Head, may_reuse_files: bool) -> Delta:
        """The rewrite as a change of this head (:data:`shared.lake.commit.Decide`).

        Raises:
            Overtaken: an old file is gone, or rows of it that were deleted are there again; the
                files may come to be named by an attempt of unknown outcome.
            Refused: somebody deletes rows of the partition by value, or by deletion vectors.
            OSError: the object store does not answer, or lacks a file.
        """
        if not may_reuse_files:
            raise Overtaken("the files may come to be named by an attempt of unknown outcome")
        snapshot = head.snapshot
        if snapshot is None:
            raise Overtaken("the table has no snapshot any more")
        inputs = self._rewritten.inputs
        readable = readable_files(self._table, snapshot)
        live = readable.files
        if missing := [path for path in inputs if path not in live.data]:
            raise Overtaken(f"{len(missing)} files are not live any more: {missing[0]}")
        if refusal := readable.refusal(partition_of(live.data[inputs[0]].file)):
            raise refusal
        moved = self._moved(live)
        divided = self._divided(live)
        named = {**divided.staying, **moved}
        deletes = self._deletes(named, live)
        self.translated = sum(map(len, moved.values()))
        self.left = divided.left
        self.dropped = frozenset({*inputs, *dangling(live, inputs), *divided.gone})
        return Delta(
            added=self._rewritten.files,
            deletes=deletes,
            dropped=self.dropped,
            named=set(named),
            accounted=self._younger(live, {*inputs, *divided.staying}),
            planned=self._planned,
            replace=True,
        )

    def _divided(self, live: LiveFiles) -> Divided:
        """What becomes of the delete files: of many, all of the partition become one."""
        io, inputs = self._table.io, self._rewritten.inputs
        places = {partition_of(live.data[path].file) for path in inputs}
        beside = [
            path
            for path, delete in live.deletes.items()
            if partition_of(delete.file) in places and is_position_deletes(delete.file)
        ]
        if len(beside) < MANY_DELETES:
            return divide(io, live, inputs)
        left = {path: each for path, each in live.data.items() if path not in inputs}
        return united(io, LiveFiles(left, live.deletes), beside)

    def _moved(self, live: LiveFiles) -> dict[str, pa.Array]:
        """Where the rows went that were deleted since they were read."""
        now = deleted_now(self._table.io, live, self._rewritten.inputs)
        gone = self._rewritten.gone
        for path, before in gone.items():
            if len(restored := without(before, now.get(path))):
                raise Overtaken(f"{len(restored)} rows of {path} are not deleted any more")
        new = {path: without(positions, gone.get(path)) for path, positions in now.items()}
        moved = self._rewritten.moves.moved({p: each.to_pylist() for p, each in new.items()})
        return {path: pa.array(positions, pa.int64()) for path, positions in moved.items()}

    def _deletes(self, named: dict[str, pa.Array], live: LiveFiles) -> list[DataFile]:
        """Delete files for these positions: those of the attempt before if they say the same.

        Otherwise those go: that attempt is known to have failed, as its files may be used again.
        """
        if self._written[0] != named:
            lost, self._written = self._written[1], ({}, [])  # never to be named again
            remove_unnamed(self._table.io, lost)
            files = {file.file_path: file for file in self._rewritten.files}
            files |= {path: live.data[path].file for path in named if path in live.data}
            self._written = (named, write_position_deletes(self._table, named, files))
            self.bytes += sum(file.file_size_in_bytes for file in self._written[1])
        return self._written[1]

    def _younger(self, live: LiveFiles, data: Collection[str]) -> set[str]:
        """Delete files that came since the files were read and name one of these data files."""
        return {
            path
            for path, delete in about(live, data)
            if delete.sequence_number > self._planned.sequence_number
            and not named_positions(self._table.io, delete.file).keys().isdisjoint(data)
        }
