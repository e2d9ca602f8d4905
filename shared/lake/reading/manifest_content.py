"""Manifests and manifest lists, decoded as PyIceberg decodes them, each schema resolved once.

PyIceberg parses a file's schema and resolves it against its own for every file: ten times what
decoding the few entries of a commit costs. Every file of a table has the same schema.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, cast

from pyiceberg.avro.decoder import new_decoder
from pyiceberg.avro.reader import Reader, StructReader
from pyiceberg.avro.resolver import resolve_reader
from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    DEFAULT_READ_VERSION,
    MANIFEST_ENTRY_SCHEMAS,
    MANIFEST_LIST_FILE_SCHEMAS,
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    PartitionFieldSummary,
    _inherit_from_manifest,
)
from pyiceberg.schema import Schema

from shared.lake import avro_container as avro
from shared.lake.reading.bounded_cache import BoundedCache

KEPT_BYTES = 4 * 2**20
"""Of what was written last in this process: the next build of the table begins with it."""

_WRITTEN: BoundedCache[bytes] = BoundedCache(KEPT_BYTES, len)

_Types = Mapping[int, Callable[..., Any]]
_ENTRY_TYPES: _Types = {-1: ManifestEntry, 2: DataFile}
_ENTRY_ENUMS: Mapping[int, Callable[..., Enum]] = {
    0: ManifestEntryStatus,
    101: FileFormat,
    134: DataFileContent,
}
_LINE_TYPES: _Types = {-1: ManifestFile, 508: PartitionFieldSummary}
_LINE_ENUMS: Mapping[int, Callable[..., Enum]] = {517: ManifestContent}

_DELETED = ManifestEntryStatus.DELETED.value
_KIND, _PATH, _SIZE = 0, 1, 5
_NAMES: Mapping[int, Collection[int]] = {0: (), 4: (_KIND, _PATH, _SIZE)}
"""Of an entry its status and its file, of that what names it: positions in PyIceberg's schema."""


def written(path: str, content: bytes) -> None:
    """Remember a file that was written a moment ago; such files never change."""
    _WRITTEN.get(path, lambda: content)


def content_of(io: FileIO, path: str) -> bytes:
    """A manifest or manifest list as it stands in the store.

    Raises:
        OSError: the object store does not answer, or lacks it.
    """
    known = _WRITTEN.peek(path)
    if known is not None:
        return known
    with io.new_input(path).open() as stream:
        return stream.read()


def entries_in(content: bytes, manifest: ManifestFile) -> list[ManifestEntry]:
    """The live entries of a manifest, with what they inherit from it."""
    records: Iterator[ManifestEntry] = _records(content, _entry_reader)
    return [
        _inherit_from_manifest(entry, manifest)
        for entry in records
        if entry.status != ManifestEntryStatus.DELETED
    ]


def manifests_in(content: bytes) -> tuple[ManifestFile, ...]:
    """The manifests that a manifest list names."""
    return tuple(_records(content, _line_reader))


def names_in(content: bytes) -> Iterator[tuple[str, int, DataFileContent]]:
    """Path, bytes and kind of the live files of a manifest; nothing else is decoded."""
    for entry in _records(content, _name_reader):
        if entry[0] != _DELETED:
            file = entry[4]
            yield file[_PATH], file[_SIZE], file[_KIND]


def _records(content: bytes, reader_of: Callable[[str], Reader]) -> Iterator[Any]:
    found = avro.take_apart(content)
    reader = reader_of(found.metadata[avro.SCHEMA_KEY])
    for block in found.blocks:
        decoder = new_decoder(avro.plain(block, found.metadata.get(avro.CODEC_KEY, "null")))
        for _ in range(block.count):
            yield reader.read(decoder)


@lru_cache(maxsize=256)
def _entry_reader(schema: str) -> Reader:
    return _resolved(schema, MANIFEST_ENTRY_SCHEMAS, _ENTRY_TYPES, _ENTRY_ENUMS)


@lru_cache(maxsize=256)
def _name_reader(schema: str) -> Reader:
    """The reader of entries that decodes names and steps over the rest: bounds above all."""
    entry = cast(
        "StructReader", _resolved(schema, MANIFEST_ENTRY_SCHEMAS, {}, {134: DataFileContent})
    )
    kept: list[tuple[int | None, Reader]] = []
    for at, reader in entry.field_readers:
        if at is not None and isinstance(reader, StructReader) and at in _NAMES:
            own = tuple(
                (each if each in _NAMES[at] else None, r) for each, r in reader.field_readers
            )
            kept.append((at, StructReader(own, reader.create_struct, reader.struct)))
        else:
            kept.append((at if at in _NAMES else None, reader))
    return StructReader(tuple(kept), entry.create_struct, entry.struct)


@lru_cache(maxsize=16)
def _line_reader(schema: str) -> Reader:
    return _resolved(schema, MANIFEST_LIST_FILE_SCHEMAS, _LINE_TYPES, _LINE_ENUMS)


def _resolved(
    schema: str,
    versions: Mapping[int, Schema],
    types: _Types,
    enums: Mapping[int, Callable[..., Enum]],
) -> Reader:
    wanted = versions[DEFAULT_READ_VERSION]
    return resolve_reader(avro.schema_of(schema), wanted, dict(types), dict(enums))
