"""Messages of the protocol as text, in the protocol guide's words and order.

    name:string partitions:[index:int32 error_code:int16] throttle_time_ms:int32@2

is a string, an array of structures, and a number that is there from version 2 on. ``?`` after a
type allows null, ``@2-4`` bounds the versions on both sides, ``=-1`` is what is written when the
handler gives nothing (else 0, "", null or no item). A request is read into an object with these
attributes, and those that its version lacks have their default; an answer is written from a dict.
"""

import functools
import re
from collections import deque
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from .wire import Reader, Writer

Fields = Mapping[str, Any]

_TOKEN = re.compile(r"\[|\]\??|@[\d-]+|[^\s\[\]@]+")


class Codec(NamedTuple):
    """How a value is read and written, and what stands for none."""

    read: Callable[[Reader], Any]
    write: Callable[[Writer, Any], None]
    default: Any


_SCALARS = {
    "bool": Codec(Reader.boolean, Writer.boolean, False),
    "int8": Codec(Reader.int8, Writer.int8, 0),
    "int16": Codec(Reader.int16, Writer.int16, 0),
    "int32": Codec(Reader.int32, Writer.int32, 0),
    "int64": Codec(Reader.int64, Writer.int64, 0),
    "string": Codec(Reader.string, Writer.string, ""),
    "string?": Codec(Reader.nullable_string, Writer.string, None),
    "bytes": Codec(Reader.data, Writer.data, b""),
    "bytes?": Codec(Reader.nullable_data, Writer.data, None),
}


@functools.cache
def message(text: str, version: int) -> Codec:
    """The codec of one version of a message."""
    return _structure(deque(_TOKEN.findall(text)), version)


def _structure(tokens: deque[str], version: int) -> Codec:
    present: list[tuple[str, Codec]] = []
    defaults: dict[str, Any] = {}
    while tokens and not tokens[0].startswith("]"):
        name, _, kind = tokens.popleft().partition(":")
        codec = _scalar(kind) if kind else _array(tokens, version)
        defaults[name] = codec.default
        if not tokens or not tokens[0].startswith("@") or _includes(tokens.popleft(), version):
            present.append((name, codec))

    def read(reader: Reader) -> SimpleNamespace:
        return SimpleNamespace(**defaults | {name: codec.read(reader) for name, codec in present})

    def write(writer: Writer, fields: Fields) -> None:
        if not fields.keys() <= defaults.keys():
            raise KeyError(f"unknown fields: {sorted(fields.keys() - defaults.keys())}")
        for name, codec in present:
            codec.write(writer, fields.get(name, codec.default))

    return Codec(read, write, {})


def _scalar(kind: str) -> Codec:
    name, _, default = kind.partition("=")
    codec = _SCALARS[name]
    return codec._replace(default=int(default)) if default else codec


def _array(tokens: deque[str], version: int) -> Codec:
    tokens.popleft()  # the opening bracket
    item = _structure(tokens, version) if ":" in tokens[0] else _scalar(tokens.popleft())
    nullable = tokens.popleft() == "]?"
    return Codec(
        lambda reader: reader.array(item.read) if nullable else reader.array(item.read) or [],
        lambda writer, values: writer.array(values, item.write),
        None if nullable else (),
    )


def _includes(versions: str, version: int) -> bool:
    first, _, last = versions[1:].partition("-")
    return int(first) <= version <= int(last or version)
