"""Manifests and manifest lists as bytes: Iceberg spec, format version 2.

A commit adds a data file or two and lists a hundred manifests that it does not change. So what was
encoded once is carried on: a manifest's line in the list, the description of a data file until
its manifest is merged, and whole blocks of a merged manifest. How a value is encoded is
PyIceberg's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic_core import to_json
from pyiceberg.conversions import from_bytes
from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    MANIFEST_LIST_FILE_SCHEMAS,
    DataFile,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    construct_partition_summaries,
    data_file_with_partition,
    manifest_entry_schema_with_data_file,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import PrimitiveType

from shared.lake import avro_container as avro
from shared.lake.reading.manifest_content import content_of

FORMAT_VERSION: Final = 2
OURS_KEY, OURS = "bergline.manifest", "1"
"""Metadata of a manifest whose blocks, in this layout, may be carried into another."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A data or delete file in a manifest.

    Attributes:
        status: ADDED by the snapshot that the manifest belongs to, EXISTING before, or DELETED
            by it.
        snapshot_id: which snapshot added, or deleted, the file.
        sequence_number, file_sequence_number: of its data and of that snapshot; ``None`` as long
            as they are to be inherited.
        rows, partition: of the file.
        file: its description, encoded.
    """

    status: ManifestEntryStatus
    snapshot_id: int | None
    sequence_number: int | None
    file_sequence_number: int | None
    rows: int
    partition: Record
    file: bytes

    def existing(self, sequence_number: int) -> Entry:
        """As later snapshots list it, when it was added with this sequence number."""
        return replace(
            self,
            status=ManifestEntryStatus.EXISTING,
            sequence_number=sequence_number,
            file_sequence_number=sequence_number,
        )


@dataclass(frozen=True, slots=True)
class Carried:
    """Blocks of a manifest that holds nothing but existing files, and that manifest."""

    manifest: ManifestFile
    blocks: tuple[avro.Block, ...]


class ManifestFormat:
    """Writes the manifests of one schema and one partition spec: of data or of delete files."""

    def __init__(
        self,
        schema: Schema,
        spec: PartitionSpec,
        codec: str,
        content: ManifestContent = ManifestContent.DATA,
    ) -> None:
        """``codec`` as the table property ``write.avro.compression-codec`` names it."""
        self._schema, self._spec, self._content = schema, spec, content
        self._codec = avro.codec_name(codec)
        partition = spec.partition_type(schema)
        file = data_file_with_partition(partition, FORMAT_VERSION)
        entry = manifest_entry_schema_with_data_file(FORMAT_VERSION, file)
        types = [field.field_type for field in partition.fields]
        self._types = [each for each in types if isinstance(each, PrimitiveType)]
        self._file = avro.RecordEncoder(file)
        self._metadata = {
            "schema": schema.model_dump_json(),
            "partition-spec": to_json(spec.fields).decode(),
            "partition-spec-id": str(spec.spec_id),
            "format-version": str(FORMAT_VERSION),
            "content": "data" if content is ManifestContent.DATA else "deletes",
            OURS_KEY: OURS,
            avro.SCHEMA_KEY: avro.schema_json(entry, "manifest_entry"),
            avro.CODEC_KEY: self._codec,
        }

    def added(self, file: DataFile, snapshot_id: int) -> Entry:
        """The entry of a new file."""
        status, rows = ManifestEntryStatus.ADDED, file.record_count
        encoded = self._file.encode(file)
        return Entry(status, snapshot_id, None, None, rows, file.partition, encoded)

    def existing(self, read: ManifestEntry) -> Entry:
        """An entry that was read from a manifest, as a later snapshot lists it."""
        file = read.data_file
        return Entry(
            ManifestEntryStatus.EXISTING,
            read.snapshot_id,
            read.sequence_number,
            read.file_sequence_number,
            file.record_count,
            file.partition,
            self._file.encode(file),
        )

    def deleted(self, read: ManifestEntry, snapshot_id: int) -> Entry:
        """An entry that was read from a manifest, of a file that a snapshot removes."""
        kept = self.existing(read)
        return replace(kept, status=ManifestEntryStatus.DELETED, snapshot_id=snapshot_id)

    def carried(self, manifest: ManifestFile, io: FileIO) -> Carried | None:
        """The blocks of a manifest, if they may stand in another one as they are.

        Raises:
            OSError: the object store does not answer.
        """
        if manifest.added_files_count != 0 or manifest.deleted_files_count != 0:
            return None  # an added file inherits its sequence number from its manifest
        if any(each.contains_nan for each in manifest.partitions or ()):
            return None  # the bounds do not tell which
        found = avro.take_apart(content_of(io, manifest.manifest_path))
        same = (OURS_KEY, avro.SCHEMA_KEY, avro.CODEC_KEY)
        if any(found.metadata.get(key) != self._metadata[key] for key in same):
            return None
        return Carried(manifest, found.blocks)

    def manifest(
        self,
        path: str,
        entries: Sequence[Entry],
        carried: Sequence[Carried],
        snapshot_id: int,
        sequence_number: int,
    ) -> tuple[ManifestFile, bytes]:
        """A manifest that a snapshot adds, as its list describes it, and its content."""
        blocks = [block for each in carried for block in each.blocks]
        if entries:
            blocks.append(avro.block([_encoded(entry) for entry in entries], self._codec))
        content = avro.assemble(self._metadata, blocks)
        added = [e.rows for e in entries if e.status is ManifestEntryStatus.ADDED]
        existing = [e.rows for e in entries if e.status is ManifestEntryStatus.EXISTING]
        deleted = [e.rows for e in entries if e.status is ManifestEntryStatus.DELETED]
        partitions = [entry.partition for entry in entries]
        for each in carried:
            partitions += self._bounds(each.manifest)
        live = [e for e in entries if e.status is not ManifestEntryStatus.DELETED]
        numbers = [e.sequence_number for e in live if e.sequence_number is not None]
        numbers += [each.manifest.min_sequence_number for each in carried]
        described = ManifestFile.from_args(
            manifest_path=path,
            manifest_length=len(content),
            partition_spec_id=self._spec.spec_id,
            content=self._content,
            sequence_number=sequence_number,
            min_sequence_number=min(numbers, default=sequence_number),
            added_snapshot_id=snapshot_id,
            added_files_count=len(added),
            existing_files_count=len(existing)
            + sum(each.manifest.existing_files_count or 0 for each in carried),
            deleted_files_count=len(deleted),
            added_rows_count=sum(added),
            existing_rows_count=sum(existing)
            + sum(each.manifest.existing_rows_count or 0 for each in carried),
            deleted_rows_count=sum(deleted),
            partitions=construct_partition_summaries(self._spec, self._schema, partitions),
            key_metadata=None,
        )
        return described, content

    def _bounds(self, manifest: ManifestFile) -> Iterable[Record]:
        """Partitions that span those of a manifest."""
        summaries = manifest.partitions or []
        columns: list[list[object]] = []
        for kind, each in zip(self._types, summaries, strict=True):
            ends = [each.lower_bound, each.upper_bound]
            values = [None if end is None else from_bytes(kind, end) for end in ends]
            columns.append([*values, None if each.contains_null else values[0]])
        return [Record(*values) for values in zip(*columns, strict=True)]


class ManifestListFormat:
    """Writes manifest lists."""

    def __init__(self, codec: str) -> None:
        """``codec`` as the table property ``write.avro.compression-codec`` names it."""
        schema = MANIFEST_LIST_FILE_SCHEMAS[FORMAT_VERSION]
        self._lines = avro.RecordEncoder(schema)
        self._codec = avro.codec_name(codec)
        self._metadata = {
            "format-version": str(FORMAT_VERSION),
            avro.SCHEMA_KEY: avro.schema_json(schema, "manifest_file"),
            avro.CODEC_KEY: self._codec,
        }

    def line(self, manifest: ManifestFile) -> bytes:
        """What a list says of one manifest."""
        return self._lines.encode(manifest)

    def manifest_list(
        self, lines: Sequence[bytes], snapshot_id: int, parent_id: int | None, sequence_number: int
    ) -> bytes:
        """The list of a snapshot."""
        metadata = {
            "snapshot-id": str(snapshot_id),
            "parent-snapshot-id": "null" if parent_id is None else str(parent_id),
            "sequence-number": str(sequence_number),
            **self._metadata,
        }
        return avro.assemble(metadata, [avro.block(lines, self._codec)] if lines else [])


def _encoded(entry: Entry) -> bytes:
    encoder = avro.Encoder()
    encoder.write_int(entry.status)
    encoder.write_optional_int(entry.snapshot_id)
    encoder.write_optional_int(entry.sequence_number)
    encoder.write_optional_int(entry.file_sequence_number)
    encoder.write(entry.file)
    return bytes(encoder.buffer)
