"""Avro files made from encoded records are those that PyIceberg would write, and are read by it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.avro.file import AvroFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, NestedField, StringType

from shared.lake import avro_container as avro

SCHEMA = Schema(
    NestedField(1, "number", LongType(), required=True),
    NestedField(2, "text", StringType(), required=False),
)
RECORDS = [Record(-1, "naïve"), Record(2**62, None), Record(0, "")]


def encoded(*records: Record) -> list[bytes]:
    encoder = avro.RecordEncoder(SCHEMA)
    return [encoder.encode(record) for record in records]


def written(path: Path, codec: str, *blocks: list[bytes]) -> bytes:
    content = avro.assemble(
        {avro.SCHEMA_KEY: avro.schema_json(SCHEMA, "row"), avro.CODEC_KEY: codec},
        [avro.block(block, codec) for block in blocks],
    )
    path.write_bytes(content)
    return content


def read(path: Path) -> list[Record]:
    with AvroFile[Record](PyArrowFileIO().new_input(path.as_uri())) as file:
        return [Record(*row._data) for row in file]


@pytest.mark.parametrize("name", ["gzip", "zstd", "bzip2", "null", "deflate", "zstandard"])
def test_every_codec_is_readable(tmp_path: Path, name: str) -> None:
    codec = avro.codec_name(name)
    written(tmp_path / "f.avro", codec, encoded(*RECORDS[:2]), encoded(RECORDS[2]))
    assert read(tmp_path / "f.avro") == RECORDS


def test_a_file_without_records_is_readable(tmp_path: Path) -> None:
    written(tmp_path / "f.avro", "deflate")
    assert read(tmp_path / "f.avro") == []


def test_blocks_are_carried_into_another_file_as_they_are(tmp_path: Path) -> None:
    first = avro.take_apart(written(tmp_path / "a.avro", "deflate", encoded(*RECORDS)))
    second = avro.take_apart(written(tmp_path / "b.avro", "deflate", encoded(RECORDS[0])))
    content = avro.assemble(first.metadata, [*second.blocks, *first.blocks])
    (tmp_path / "c.avro").write_bytes(content)
    assert read(tmp_path / "c.avro") == [RECORDS[0], *RECORDS]
    assert avro.take_apart(content).blocks == (*second.blocks, *first.blocks)


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(KeyError, match="lz77"):
        avro.block([b""], "lz77")


@pytest.mark.parametrize("damage", ["magic", "sync", "cut"])
def test_what_is_damaged_is_refused(tmp_path: Path, damage: str) -> None:
    content = bytearray(written(tmp_path / "f.avro", "null", encoded(*RECORDS)))
    match damage:
        case "magic":
            content[0] ^= 1
        case "sync":
            content[-1] ^= 1
        case "cut":
            del content[-20:]
    with pytest.raises((ValueError, EOFError)):
        avro.take_apart(bytes(content))


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_are_encoded_as_the_library_does(number: int) -> None:
    ours, theirs = avro.Encoder(), io.BytesIO()
    ours.write_int(number)
    BinaryEncoder(theirs).write_int(number)
    assert bytes(ours.buffer) == theirs.getvalue()
