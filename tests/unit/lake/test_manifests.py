"""Our manifests and lists hold byte for byte the records that PyIceberg writes."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.manifest import (
    DataFile,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    read_manifest_list,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.table import Table

from shared.lake import avro_container as avro
from shared.lake.landing_files import write_data_file
from shared.lake.manifests import OURS_KEY, Carried, Entry, ManifestFormat, ManifestListFormat
from shared.tables.spec import TableSpec
from tests.support.lake import LOG, Lake, rows
from tests.unit.lake.test_landing_files import DAY, EVERY_TYPE, VALUES, table_of

SNAPSHOT, PARENT, SEQUENCE = 2**62 + 1, 17, 300


class Both:
    """The same data files described by us and by PyIceberg."""

    def __init__(self, directory: Path, spec: TableSpec) -> None:
        self.table: Table = Lake(directory, spec).table
        self.format = self.fresh_format()
        self.directory = directory
        if spec is EVERY_TYPE:
            self.files = [
                write_data_file(self.table, table_of(spec, VALUES), DAY),
                write_data_file(self.table, table_of(spec, VALUES), DAY.replace(year=1969)),
            ]
        else:
            self.files = [write_data_file(self.table, rows(spec, 0, range(5)), None)]

    def fresh_format(self) -> ManifestFormat:
        return ManifestFormat(self.table.schema(), self.table.spec(), "gzip")

    def path(self, name: str) -> str:
        return (self.directory / name).as_uri()

    def ours(self, *entries: Entry, carried: tuple[Carried, ...] = ()) -> ManifestFile:
        path = self.path("ours.avro")
        manifest, content = self.format.manifest(path, entries, carried, SNAPSHOT, SEQUENCE)
        (self.directory / "ours.avro").write_bytes(content)
        return manifest

    def theirs(self, *entries: ManifestEntry) -> ManifestFile:
        with write_manifest(
            format_version=2,
            spec=self.table.spec(),
            schema=self.table.schema(),
            output_file=self.table.io.new_output(self.path("theirs.avro")),
            snapshot_id=SNAPSHOT,
            avro_compression="deflate",
        ) as writer:
            for entry in entries:
                writer.add_entry(entry)
        return writer.to_manifest_file()

    def added(self, file: DataFile) -> ManifestEntry:
        return ManifestEntry.from_args(
            status=ManifestEntryStatus.ADDED,
            snapshot_id=SNAPSHOT,
            sequence_number=None,
            file_sequence_number=None,
            data_file=file,
        )

    def existing(self, file: DataFile, number: int) -> ManifestEntry:
        return ManifestEntry.from_args(
            status=ManifestEntryStatus.EXISTING,
            snapshot_id=number,
            sequence_number=number,
            file_sequence_number=number,
            data_file=file,
        )

    def container(self, name: str) -> avro.Container:
        return avro.take_apart((self.directory / name).read_bytes())


@pytest.fixture(params=[EVERY_TYPE, LOG], ids=["partitioned", "unpartitioned"])
def both(tmp_path: Path, request: pytest.FixtureRequest) -> Both:
    return Both(tmp_path, request.param)


def records(container: avro.Container) -> bytes:
    return b"".join(zlib.decompress(block.content, -15) for block in container.blocks)


def described(manifest: ManifestFile) -> list[Any]:
    """All fields but those that differ on purpose: path, length, numbers given by the list."""
    values = [
        [list(each._data) for each in value] if isinstance(value, list) else value
        for value in manifest._data
    ]
    return [*values[2:4], *values[6:]]


def test_added_files_are_the_same_bytes(both: Both) -> None:
    ours = both.ours(*(both.format.added(file, SNAPSHOT) for file in both.files))
    theirs = both.theirs(*(both.added(file) for file in both.files))
    assert records(both.container("ours.avro")) == records(both.container("theirs.avro"))
    assert described(ours) == described(theirs)
    assert ours.manifest_length == (both.directory / "ours.avro").stat().st_size
    assert (ours.sequence_number, ours.min_sequence_number) == (SEQUENCE, SEQUENCE)


def test_existing_files_are_the_same_bytes(both: Both) -> None:
    entries = [both.existing(file, 40 - n) for n, file in enumerate(both.files)]
    ours = both.ours(*(both.format.existing(entry) for entry in entries))
    theirs = both.theirs(*entries)
    assert records(both.container("ours.avro")) == records(both.container("theirs.avro"))
    assert described(ours) == described(theirs)
    assert ours.min_sequence_number == 41 - len(both.files)


def test_an_added_file_becomes_existing_without_being_encoded_again(both: Both) -> None:
    added = [both.format.added(file, 7) for file in both.files]
    both.ours(*(entry.existing(7) for entry in added))
    both.theirs(*(both.existing(file, 7) for file in both.files))
    assert records(both.container("ours.avro")) == records(both.container("theirs.avro"))


def test_the_header_says_what_the_librarys_says(both: Both) -> None:
    both.ours(both.format.added(both.files[0], SNAPSHOT))
    both.theirs(both.added(both.files[0]))
    ours = dict(both.container("ours.avro").metadata)
    assert ours.pop(OURS_KEY) == "1"
    assert ours == both.container("theirs.avro").metadata


def test_pyiceberg_reads_the_entries_back(both: Both) -> None:
    manifest = both.ours(*(both.format.added(file, SNAPSHOT) for file in both.files))
    found = manifest.fetch_manifest_entry(both.table.io)
    assert [entry.data_file for entry in found] == both.files
    assert {entry.sequence_number for entry in found} == {SEQUENCE}
    assert {entry.snapshot_id for entry in found} == {SNAPSHOT}


def test_blocks_of_existing_files_are_carried_with_counts_bounds_and_numbers(both: Both) -> None:
    entries = [both.existing(file, 40 - n) for n, file in enumerate(both.files)]
    old = both.ours(*(both.format.existing(entry) for entry in entries))
    carried = both.fresh_format().carried(old, both.table.io)
    assert carried is not None
    more = both.existing(both.files[0], 50)
    ours = both.ours(both.format.existing(more), carried=(carried,))
    theirs = both.theirs(*entries, more)
    assert records(both.container("ours.avro")) == records(both.container("theirs.avro"))
    assert described(ours) == described(theirs)
    assert ours.min_sequence_number == 41 - len(both.files)


def test_blocks_with_added_files_are_not_carried(both: Both) -> None:
    """Their sequence numbers are those of the manifest that they stand in."""
    manifest = both.ours(both.format.added(both.files[0], SNAPSHOT))
    assert both.format.carried(manifest, both.table.io) is None


def test_blocks_of_other_writers_are_not_carried(both: Both) -> None:
    manifest = both.theirs(both.existing(both.files[0], 7))
    assert both.format.carried(manifest, both.table.io) is None


def test_blocks_of_another_codec_are_not_carried(both: Both) -> None:
    manifest = both.ours(both.format.existing(both.existing(both.files[0], 7)))
    other = ManifestFormat(both.table.schema(), both.table.spec(), "zstd")
    assert other.carried(manifest, both.table.io) is None


@pytest.mark.parametrize("parent", [PARENT, None])
def test_a_list_is_the_same_bytes(both: Both, parent: int | None) -> None:
    lists = ManifestListFormat("gzip")
    manifests = [
        both.ours(both.format.added(both.files[0], SNAPSHOT)),
        both.ours(both.format.existing(both.existing(both.files[0], 7))),
    ]
    content = lists.manifest_list(
        [lists.line(manifest) for manifest in manifests], SNAPSHOT, parent, SEQUENCE
    )
    (both.directory / "ours-list.avro").write_bytes(content)
    with write_manifest_list(
        format_version=2,
        output_file=both.table.io.new_output(both.path("theirs-list.avro")),
        snapshot_id=SNAPSHOT,
        parent_snapshot_id=parent,
        sequence_number=SEQUENCE,
        avro_compression="deflate",
    ) as writer:
        writer.add_manifests(manifests)
    ours, theirs = both.container("ours-list.avro"), both.container("theirs-list.avro")
    assert records(ours) == records(theirs)
    assert ours.metadata == theirs.metadata
    found = list(read_manifest_list(both.table.io.new_input(both.path("ours-list.avro"))))
    assert [each._data[1:13] for each in found] == [each._data[1:13] for each in manifests]


def test_an_empty_list_is_readable(both: Both) -> None:
    content = ManifestListFormat("gzip").manifest_list([], SNAPSHOT, None, SEQUENCE)
    (both.directory / "empty.avro").write_bytes(content)
    assert list(read_manifest_list(both.table.io.new_input(both.path("empty.avro")))) == []
