"""The delete files of one partition as one, the data files left as they are.

Where rows of large files go a few at a time, each commit leaves a delete file, and every reader
opens them all, long before a file has lost so many rows that it is written anew.
"""

from __future__ import annotations

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.lake.commit import Delta, Head
from shared.lake.divided_deletes import is_position_deletes, united
from shared.lake.head_checks import Partition, partition_of
from shared.lake.maintenance.foreign_files import readable_files
from shared.lake.maintenance.in_vain import remove_unnamed
from shared.lake.maintenance.overtaking import Overtaken
from shared.lake.position_deletes import write_position_deletes
from shared.lake.reading.live_files import LiveFiles


class MergedDeletes:
    """Decides what merging is on each head that is tried: it is made anew for every one.

    Args:
        table: whose files they are.
        spec_id: the partition spec.
        words: the partition as in a path.
    """

    def __init__(self, table: Table, spec_id: int, words: str) -> None:
        self._table, self._spec_id, self._words = table, spec_id, words
        self._written: list[DataFile] = []
        self.dropped: frozenset[str] = frozenset()
        """Delete files that leave, on the head that was decided on last."""
        self.bytes = 0
        """Of all files written, in vain or not."""

    def decide(self, head: Head, may_reuse_files: bool) -> Delta:
        """Merging as a change of this head (:data:`shared.lake.commit.Decide`).

        Raises:
            Overtaken: there is nothing to merge any more.
            Refused: somebody deletes rows of the partition by value, or by deletion vectors.
            OSError: the object store does not answer, or lacks a file.
        """
        if may_reuse_files:  # no attempt before may come to name them
            remove_unnamed(self._table.io, self._written)
        self._written = []
        snapshot = head.snapshot
        if snapshot is None:
            raise Overtaken("the table has no snapshot any more")
        readable = readable_files(self._table, snapshot)
        live = readable.files
        beside = self._beside(live)
        if len(beside) < 2:
            raise Overtaken("somebody else has merged its delete files")
        if refusal := readable.refusal(partition_of(live.deletes[beside[0]].file)):
            raise refusal
        one = united(self._table.io, live, beside)
        files = {path: live.data[path].file for path in one.staying}
        self._written = write_position_deletes(self._table, one.staying, files)
        self.bytes += sum(file.file_size_in_bytes for file in self._written)
        self.dropped = one.gone
        return Delta(
            deletes=self._written,
            dropped=one.gone,
            named=set(one.staying),
            planned=snapshot,
            replace=True,
        )

    def _beside(self, live: LiveFiles) -> list[str]:
        """Position delete files of the partition."""
        here: dict[Partition, bool] = {}
        spec, schema = self._table.specs()[self._spec_id], self._table.schema()
        found = []
        for path, delete in live.deletes.items():
            if delete.file.spec_id != self._spec_id or not is_position_deletes(delete.file):
                continue
            partition = partition_of(delete.file)
            if partition not in here:
                here[partition] = spec.partition_to_path(partition[1], schema) == self._words
            if here[partition]:
                found.append(path)
        return found
