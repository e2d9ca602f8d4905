"""Unpack the records of a batch, within a bound: a small batch may unpack to very much.

The codecs of Kafka's message format 2 (``kafka.apache.org/documentation/#recordbatch``, attributes
bits 0 to 2) as Kafka's clients write them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from typing import Any

import cramjam

MAX_UNPACKED_BYTES = 64 * 1024 * 1024
"""Most that the batches of one fetch of one partition unpack to. Brokers bound batches as they are
sent, to about a megabyte; JSON packs ten to twenty times."""

_USUAL_RATIO, _LEAST_BYTES = 16, 64 * 1024
_GZIP_BITS = 31
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16
_BLOCK = Struct(">i")


class TooLarge(ValueError):
    """The records unpack to more than they may."""


def unpack(codec: int, packed: bytes, limit: int) -> bytes:
    """The records of a batch, at most ``limit`` bytes.

    Args:
        codec: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
        packed: the batch behind its header.
        limit: in bytes.

    Raises:
        TooLarge: they are more.
        Exception: they cannot be unpacked; every codec's library has failures of its own.
    """
    return _CODECS[codec](packed, limit)


def known(codec: int) -> bool:
    """Whether :func:`unpack` knows the codec."""
    return codec in _CODECS


def _gzip(packed: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=_GZIP_BITS)
    found = inflater.decompress(packed, limit + 1)
    if len(found) > limit:
        raise TooLarge
    if not inflater.eof:
        raise ValueError("the gzip stream is cut")
    return found


def _snappy(packed: bytes, limit: int) -> bytes:
    if not packed.startswith(_XERIAL):
        return _snappy_block(packed, limit)
    blocks, at = [], _XERIAL_HEADER_BYTES
    while at < len(packed):
        (size,) = _BLOCK.unpack_from(packed, at)
        at += _BLOCK.size
        if size <= 0 or at + size > len(packed):
            raise ValueError("a snappy block is cut")
        blocks.append(_snappy_block(packed[at : at + size], limit))
        limit -= len(blocks[-1])
        at += size
    return b"".join(blocks)


def _snappy_block(packed: bytes, limit: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(packed) > limit:
        raise TooLarge
    return bytes(cramjam.snappy.decompress_raw(packed))


def _frame(library: Any) -> Callable[[bytes, int], bytes]:
    def unpack_frame(packed: bytes, limit: int) -> bytes:
        room = min(limit, max(_LEAST_BYTES, _USUAL_RATIO * len(packed)))
        while True:
            found = bytearray(room)
            try:
                return bytes(memoryview(found)[: library.decompress_into(packed, found)])
            except cramjam.DecompressionError as error:
                if "whole buffer" not in str(error):
                    raise
                if room == limit:
                    raise TooLarge from error
            room = limit

    return unpack_frame


_CODECS: Mapping[int, Callable[[bytes, int], bytes]] = MappingProxyType(
    {1: _gzip, 2: _snappy, 3: _frame(cramjam.lz4), 4: _frame(cramjam.zstd)}
)
