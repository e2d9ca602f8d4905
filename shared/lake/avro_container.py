"""Avro object container files in memory, from records that are encoded once and kept as bytes.

PyIceberg's own writer builds the schema, its JSON and the encoders anew for every file and gives
single bytes to the object store's stream; that is most of the CPU of a small commit. Here all that
depends on the schema alone is made once, and records and whole blocks of one file can be carried
into the next as they are. How a value is encoded is still PyIceberg's.

Avro specification 1.11, "Object Container Files": magic, metadata map, sync marker, then blocks of
(number of records, length, records, sync marker).
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.avro.codecs import CODEC_MAPPING_ICEBERG_TO_AVRO, KNOWN_CODECS
from pyiceberg.avro.decoder import new_decoder
from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.avro.resolver import construct_writer
from pyiceberg.schema import Schema
from pyiceberg.types import StructType
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

MAGIC = b"Obj\x01"
SYNC_BYTES = 16
SCHEMA_KEY = "avro.schema"
CODEC_KEY = "avro.codec"


class Encoder(BinaryEncoder):
    """PyIceberg's encoder into a buffer of its own."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def write(self, b: bytes) -> None:
        """Append bytes as they are."""
        self.buffer += b

    def write_int(self, integer: int) -> None:
        """Append an int or long: zig-zag, seven bits a byte, the lowest first."""
        rest = (integer << 1) ^ (integer >> 63)
        buffer = self.buffer
        while rest > 0x7F:
            buffer.append((rest & 0x7F) | 0x80)
            rest >>= 7
        buffer.append(rest)

    def write_optional_int(self, integer: int | None) -> None:
        """Append a union of null and int or long, in that order."""
        if integer is None:
            self.buffer.append(0)
        else:
            self.buffer.append(2)
            self.write_int(integer)


class RecordEncoder:
    """Encodes records of one Iceberg struct."""

    def __init__(self, struct: Schema | StructType) -> None:
        self._writer = construct_writer(struct)

    def encode(self, record: Any) -> bytes:
        """The record in Avro's binary encoding."""
        encoder = Encoder()
        self._writer.write(encoder, record)
        return bytes(encoder.buffer)


@dataclass(frozen=True, slots=True)
class Block:
    """So many records, as they stand in a file: compressed."""

    count: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Container:
    """A file taken apart."""

    metadata: Mapping[str, str]
    blocks: tuple[Block, ...]


def schema_json(schema: Schema, name: str) -> str:
    """The Avro schema of a file's records."""
    return json.dumps(AvroSchemaConversion().iceberg_to_avro(schema, schema_name=name))


def schema_of(text: str) -> Schema:
    """The Iceberg schema of a file's records, from its Avro schema."""
    return AvroSchemaConversion().avro_to_iceberg(json.loads(text))


def codec_name(name: str) -> str:
    """The Avro name of a codec as table properties name it."""
    return CODEC_MAPPING_ICEBERG_TO_AVRO.get(name, name)


def block(records: Sequence[bytes], codec: str) -> Block:
    """One block of encoded records.

    Raises:
        KeyError: the codec is none of Avro's.
    """
    plain = b"".join(records)
    if codec == "deflate":
        deflate = zlib.compressobj(wbits=-15)  # Avro's deflate has neither header nor checksum
        return Block(len(records), deflate.compress(plain) + deflate.flush())
    known = KNOWN_CODECS[codec]  # type: ignore[index]  # a Literal of the keys
    return Block(len(records), plain if known is None else known.compress(plain)[0])


def plain(packed: Block, codec: str) -> bytes:
    """The encoded records of a block.

    Raises:
        ValueError: the codec is none that is known.
    """
    if codec not in KNOWN_CODECS:
        raise ValueError(f"an Avro file is compressed by {codec!r}, which cannot be read here")
    known = KNOWN_CODECS[codec]
    return packed.content if known is None else known.decompress(packed.content)


def assemble(metadata: Mapping[str, str], blocks: Sequence[Block]) -> bytes:
    """A file of these blocks, which may come from another file with the same schema and codec."""
    marker = os.urandom(SYNC_BYTES)
    encoder = Encoder()
    encoder.write(MAGIC)
    encoder.write_int(len(metadata))
    for key, value in metadata.items():
        encoder.write_utf8(key)
        encoder.write_utf8(value)
    encoder.write_int(0)
    encoder.write(marker)
    for each in blocks:
        encoder.write_int(each.count)
        encoder.write_bytes(each.content)
        encoder.write(marker)
    return bytes(encoder.buffer)


def take_apart(content: bytes) -> Container:
    """A file's metadata and blocks; no record is looked at.

    Raises:
        ValueError: it is no such file.
    """
    if not content.startswith(MAGIC):
        raise ValueError("not an Avro object container file")
    decoder = new_decoder(content)
    decoder.skip(len(MAGIC))
    metadata: dict[str, str] = {}
    while (pairs := decoder.read_int()) != 0:
        if pairs < 0:  # then the map's size in bytes follows
            decoder.read_int()
        for _ in range(abs(pairs)):
            key = decoder.read_utf8()
            metadata[key] = decoder.read_bytes().decode()
    sync = decoder.read(SYNC_BYTES)
    blocks: list[Block] = []
    while decoder.tell() < len(content):
        count = decoder.read_int()
        blocks.append(Block(count, decoder.read_bytes()))
        if decoder.read(SYNC_BYTES) != sync:
            raise ValueError("a block of an Avro file does not end with its sync marker")
    return Container(metadata, tuple(blocks))
