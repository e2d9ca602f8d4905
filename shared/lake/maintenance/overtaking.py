"""A rewrite as a change of the head that is asserted, whatever others committed meanwhile.

Rows that somebody has deleted from the old files since they were read are found where they went
and deleted there, by delete files that come in the same snapshot as the new files: so a table that
is changed all the time can be compacted, and no reader ever sees a deleted row come back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.lake.commit import Delta, Head, Stale
from shared.lake.head_checks import dangling, partition_of
from shared.lake.maintenance.rewriting import Rewritten, deleted_now
from shared.lake.position_deletes import may_name, named_positions, write_position_deletes
from shared.lake.reading.live_files import LiveFile, LiveFiles, live_files
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
        self._written: tuple[dict[str, list[int]], list[DataFile]] = ({}, [])
        self.translated = 0
        """Positions that others deleted meanwhile, on the head that was decided on last."""
        self.dropped: frozenset[str] = frozenset()
        """Data and delete files that leave, on that head."""
        self.bytes = rewritten.size
        """Of all files written, in vain or not."""

    def decide(self, head: Head, may_reuse_files: bool) -> Delta:
        """The rewrite as a change of this head (:data:`shared.lake.commit.Decide`).

        Raises:
            Overtaken: an old file is gone, or rows of it that were deleted are there again; the
                files may come to be named by an attempt of unknown outcome.
            Refused: somebody deletes rows by value, or by deletion vectors.
            OSError: the object store does not answer, or lacks a file.
        """
        if not may_reuse_files:
            raise Overtaken("the files may come to be named by an attempt of unknown outcome")
        snapshot = head.snapshot
        if snapshot is None:
            raise Overtaken("the table has no snapshot any more")
        inputs = self._rewritten.inputs
        live = live_files(self._table, snapshot)
        if missing := [path for path in inputs if path not in live.data]:
            raise Overtaken(f"{len(missing)} files are not live any more: {missing[0]}")
        moved = self._moved(live)
        deletes = self._deletes(moved)
        beside = _beside(live, inputs)
        younger = self._planned.sequence_number
        emptied = dangling(live, inputs) | self._emptied(live, beside)
        self.translated = sum(map(len, moved.values()))
        self.dropped = frozenset({*inputs, *emptied})
        return Delta(
            added=self._rewritten.files,
            deletes=deletes,
            dropped=self.dropped,
            named=set(moved),
            accounted={
                path
                for path, delete in beside.items()
                if delete.sequence_number > younger and self._names(delete, inputs)
            },
            planned=self._planned,
            replace=True,
        )

    def _moved(self, live: LiveFiles) -> dict[str, list[int]]:
        """Where the rows went that were deleted since they were read."""
        now = deleted_now(self._table.io, live, self._rewritten.inputs)
        gone = self._rewritten.gone
        for path, before in gone.items():
            if len(restored := _without(before, now.get(path))):
                raise Overtaken(f"{len(restored)} rows of {path} are not deleted any more")
        new = {path: _without(positions, gone.get(path)) for path, positions in now.items()}
        return self._rewritten.moves.moved({p: each.to_pylist() for p, each in new.items()})

    def _deletes(self, moved: dict[str, list[int]]) -> list[DataFile]:
        """Delete files for these positions: those of the attempt before if they say the same."""
        if self._written[0] != moved:
            files = {file.file_path: file for file in self._rewritten.files}
            self._written = (moved, write_position_deletes(self._table, moved, files))
            self.bytes += sum(file.file_size_in_bytes for file in self._written[1])
        return self._written[1]

    def _emptied(self, live: LiveFiles, beside: Mapping[str, LiveFile]) -> set[str]:
        """Delete files that are about nothing but the old files; bounds do not tell this."""
        inputs = set(self._rewritten.inputs)
        return {
            path
            for path, delete in beside.items()
            if not any(
                name not in inputs and name in live.data
                for name in named_positions(self._table.io, delete.file)
            )
        }

    def _names(self, delete: LiveFile, inputs: Sequence[str]) -> bool:
        return not named_positions(self._table.io, delete.file).keys().isdisjoint(inputs)


def _beside(live: LiveFiles, inputs: Collection[str]) -> dict[str, LiveFile]:
    """Delete files of the same partition that may name one of these data files."""
    places = {partition_of(live.data[path].file) for path in inputs}
    return {
        path: delete
        for path, delete in live.deletes.items()
        if partition_of(delete.file) in places
        and any(may_name(delete.file, name) for name in inputs)
    }


def _without(positions: pa.Array, others: pa.Array | None) -> pa.Array:
    if others is None:
        return positions
    return positions.filter(pc.invert(pc.is_in(positions, others)))
