"""A merge-on-read DELETE as another engine writes it: position deletes in a v2 snapshot."""

from __future__ import annotations

from collections.abc import Iterable

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
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles

FILE_PATH_ID, POS_ID = 2147483546, 2147483545
"""Reserved field ids of position delete files, Iceberg specification."""


def delete_positions(table: Table, file: DataFile, positions: Iterable[int]) -> None:
    """Delete the rows of ``file`` at these positions, in one snapshot without our summary."""
    with table.transaction() as transaction:
        producer = _PositionDeletes(
            operation=Operation.DELETE,
            transaction=transaction,
            io=table.io,
            branch=MAIN_BRANCH,
            snapshot_properties={"engine-name": "another engine"},
        )
        producer.delete_file = _written(table, file, sorted(positions))
        producer.commit()


def _written(table: Table, file: DataFile, positions: list[int]) -> DataFile:
    schema = pa.schema(
        [
            pa.field("file_path", pa.string(), False, {"PARQUET:field_id": str(FILE_PATH_ID)}),
            pa.field("pos", pa.int64(), False, {"PARQUET:field_id": str(POS_ID)}),
        ]
    )
    rows = pa.table([pa.repeat(file.file_path, len(positions)), positions], schema=schema)
    location = table.location_provider().new_data_location("deletes.parquet")
    output = table.io.new_output(location)
    with output.create() as stream:
        pq.write_table(rows, stream)
    bound = {FILE_PATH_ID: file.file_path.encode()}
    written = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=file.partition,
        record_count=len(positions),
        file_size_in_bytes=len(output),
        lower_bounds=bound,
        upper_bounds=bound,
    )
    written.spec_id = file.spec_id
    return written


class _DeleteManifest(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _PositionDeletes(_FastAppendFiles):
    delete_file: DataFile

    def _manifests(self) -> list[ManifestFile]:
        writer = _DeleteManifest(
            self.spec(self.delete_file.spec_id),
            self.schema(),
            self.new_manifest_output(),
            self._snapshot_id,
            self._compression,
        )
        with writer:
            writer.add(
                ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED,
                    snapshot_id=self._snapshot_id,
                    sequence_number=None,
                    file_sequence_number=None,
                    data_file=self.delete_file,
                )
            )
        return [*super()._manifests(), writer.to_manifest_file()]
