"""Manifests are decoded as PyIceberg decodes them, and what was just written is not fetched."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.manifest import DataFile, ManifestEntry, read_manifest_list

from shared.lake.avro_container import Block, plain
from shared.lake.reading.live_files import live_files
from shared.lake.reading.manifest_content import content_of, entries_in, manifests_in
from tests.support.derived_lake import DerivedLake
from tests.support.row_histories import RowHistory, day

FIELDS = len(DataFile()._data)


def described(entry: ManifestEntry) -> list[object]:
    file = entry.data_file
    return [
        entry.status,
        entry.snapshot_id,
        entry.sequence_number,
        entry.file_sequence_number,
        file.spec_id,
        *(file[number] for number in range(FIELDS)),
    ]


def same_as_pyiceberg(history: RowHistory) -> int:
    io, checked = history.table.io, 0
    for snapshot in history.table.metadata.snapshots:
        listed = manifests_in(content_of(io, snapshot.manifest_list))
        theirs = list(read_manifest_list(io.new_input(snapshot.manifest_list)))
        assert [repr(each) for each in listed] == [repr(each) for each in theirs]
        for manifest in listed:
            ours = entries_in(content_of(io, manifest.manifest_path), manifest)
            known = manifest.fetch_manifest_entry(io)
            assert [described(each) for each in ours] == [described(each) for each in known]
            checked += len(ours)
    return checked


def test_entries_are_those_that_pyiceberg_reads(daily: RowHistory) -> None:
    first = daily.append({"id": 1, "at": day(1)}, {"id": 2, "at": day(2)})
    (path, *_) = live_files(daily.table, first).data
    daily.delta([(path, 0)], {"id": 3, "at": day(3)})
    assert same_as_pyiceberg(daily) > 3


def test_a_codec_that_is_not_known_is_named() -> None:
    with pytest.raises(ValueError, match="lz4"):
        plain(Block(1, b""), "lz4")


def test_a_builder_reads_nothing_of_what_it_has_just_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = DerivedLake(tmp_path)
    lake.build({1: 1, 2: 1})
    end = lake.build({1: 2}).snapshot
    opened: list[str] = []
    io = lake.table.io
    real = type(io).new_input

    def counted(self: object, location: str) -> object:
        opened.append(location)
        return real(io, location)

    monkeypatch.setattr(type(io), "new_input", counted)
    assert len(lake.live(end).data) == 3
    assert opened == []
