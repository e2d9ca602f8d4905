"""Snapshots as other engines make them, put together file by file: nothing is checked."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
)
from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _FastAppendFiles

from tests.support.position_deletes import FILE_PATH_ID, POS_ID, _DeleteManifest


def snapshot(
    table: Table,
    *,
    added: Sequence[tuple[DataFile, int | None]] = (),
    dropped: Collection[str] = (),
    operation: Operation = Operation.OVERWRITE,
    branch: str = MAIN_BRANCH,
    merge: bool = False,
) -> None:
    """Commit one snapshot.

    Args:
        table: as it is now.
        added: data and delete files; each with its data sequence number, ``None`` for the new one.
        dropped: paths of live files that leave.
        operation: what the summary says.
        branch: whose head it becomes.
        merge: put all entries of a kind and spec into one new manifest.
    """
    with table.transaction() as transaction:
        producer = _Made(
            operation=Operation.OVERWRITE,
            transaction=transaction,
            io=table.io,
            branch=branch,
            snapshot_properties={"engine-name": "another engine"},
        )
        producer.made, producer.dropped = list(added), set(dropped)
        producer.says, producer.merge = operation, merge
        producer.commit()


def entries(
    table: Table, content: ManifestContent, branch: str = MAIN_BRANCH
) -> list[ManifestEntry]:
    """What the head of a branch lists as live."""
    head = table.metadata.snapshot_by_name(branch)
    return (
        []
        if head is None
        else [
            entry
            for manifest in head.manifests(table.io)
            if manifest.content == content
            for entry in manifest.fetch_manifest_entry(table.io)
        ]
    )


def delete_file(
    table: Table, positions: Mapping[str, Iterable[int]], like: DataFile, *, bounds: bool = True
) -> DataFile:
    """A position delete file of the spec and partition of ``like`` naming several files."""
    named = [(path, each) for path in sorted(positions) for each in sorted(positions[path])]
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), False, {"PARQUET:field_id": str(FILE_PATH_ID)}),
            pa.field("pos", pa.int64(), False, {"PARQUET:field_id": str(POS_ID)}),
        ]
    )
    columns = [[path for path, _ in named], [each for _, each in named]]
    location = table.location_provider().new_data_location(f"deletes-{uuid.uuid4()}.parquet")
    output = table.io.new_output(location)
    with output.create(overwrite=True) as stream:
        pq.write_table(pa.table(columns, schema=schema), stream)
    file = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=like.partition,
        record_count=len(named),
        file_size_in_bytes=len(output),
        lower_bounds={FILE_PATH_ID: min(positions).encode()} if bounds else None,
        upper_bounds={FILE_PATH_ID: max(positions).encode()} if bounds else None,
    )
    file.spec_id = like.spec_id
    return file


class _Made(_FastAppendFiles):
    made: list[tuple[DataFile, int | None]]
    dropped: set[str]
    says: Operation
    merge: bool

    def _summary(self, snapshot_properties: dict[str, str] | None = None) -> Summary:
        made = super()._summary(snapshot_properties or {})
        return Summary(operation=self.says, **made.additional_properties)

    def _manifests(self) -> list[ManifestFile]:
        new: dict[tuple[ManifestContent, int], list[ManifestEntry]] = defaultdict(list)
        for file, number in self.made:
            content = (
                ManifestContent.DATA
                if file.content == DataFileContent.DATA
                else ManifestContent.DELETES
            )
            new[content, file.spec_id].append(
                _entry(ManifestEntryStatus.ADDED, self._snapshot_id, number, None, file)
            )
        manifests = []
        for manifest in super()._manifests():
            live = manifest.fetch_manifest_entry(self._io)
            stays = [e for e in live if e.data_file.file_path not in self.dropped]
            if len(stays) == len(live) and not self.merge:
                manifests.append(manifest)
                continue
            new[manifest.content, manifest.partition_spec_id] += [
                _entry(
                    ManifestEntryStatus.EXISTING
                    if e.data_file.file_path not in self.dropped
                    else ManifestEntryStatus.DELETED,
                    e.snapshot_id,
                    e.sequence_number,
                    e.file_sequence_number,
                    e.data_file,
                )
                for e in live
            ]
        return manifests + [
            self._written(content, spec_id, each) for (content, spec_id), each in new.items()
        ]

    def _written(
        self, content: ManifestContent, spec_id: int, listed: list[ManifestEntry]
    ) -> ManifestFile:
        kind = ManifestWriterV2 if content == ManifestContent.DATA else _DeleteManifest
        writer = kind(
            self.spec(spec_id),
            self.schema(),
            self.new_manifest_output(),
            self._snapshot_id,
            self._compression,
        )
        with writer:
            for entry in listed:
                writer.add_entry(entry)
        return writer.to_manifest_file()


def _entry(
    status: ManifestEntryStatus,
    snapshot_id: int | None,
    number: int | None,
    file_number: int | None,
    file: DataFile,
) -> ManifestEntry:
    return ManifestEntry.from_args(
        status=status,
        snapshot_id=snapshot_id,
        sequence_number=number,
        file_sequence_number=file_number,
        data_file=file,
    )
