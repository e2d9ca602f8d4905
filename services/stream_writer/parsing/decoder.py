"""Bulk reading of JSON: the declared paths of a table compiled into one native decoder.

msgspec walks a record once, checks the whole grammar (RFC 8259, duplicates: last wins), makes
values of the declared members only and keeps nested JSON as the slice it was written in. The
types below admit the plain spellings only; any other record is refused as a whole, by an error
of that record alone, and left to ``reference``. No record can reach into another: each is
decoded by itself, so newlines mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from services.stream_writer.parsing.timestamps import PER_SECOND
from services.stream_writer.parsing.values import DECIMALS, INTEGER_RANGE, Plain
from shared.tables.spec import Column, Type

REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding one record may raise."""

MAX_NUMERAL_LENGTH = 38
"""Digits that fit 128 bits. Arrow's decimal cast wraps around beyond, without an error."""


def _ranged(low: int, high: int) -> object:
    return Annotated[int, msgspec.Meta(ge=low, le=high)] | None


_TYPES: Mapping[Type, object] = {
    # Ids are often written as numbers; columns make text of them.
    Type.STRING: str | int | None,
    Type.BOOLEAN: bool | None,
    Type.INT: _ranged(*INTEGER_RANGE[Type.INT]),
    Type.LONG: _ranged(*INTEGER_RANGE[Type.LONG]),
    Type.JSON: msgspec.Raw,
    Type.BINARY: bytes | None,
    **dict.fromkeys(DECIMALS, Annotated[str, msgspec.Meta(max_length=MAX_NUMERAL_LENGTH)] | None),
}


@dataclass(frozen=True, slots=True)
class ObjectDecoder:
    """Decoder of one JSON object and of the declared objects in it.

    Attributes:
        type: struct with one field per declared member, in the order of ``members``.
        decode: makes it from text; raises one of ``REFUSALS``.
        absent: the struct of an object that is null, missing or refused.
        members: per field the column that stands there, the object that stands there, or both.
    """

    type: type[msgspec.Struct]
    decode: Callable[[bytes], msgspec.Struct]
    absent: msgspec.Struct
    members: tuple[tuple[Column | None, ObjectDecoder | None], ...]

    def columns(
        self, objects: Sequence[msgspec.Struct], refused: set[int]
    ) -> Iterator[tuple[Column, Sequence[Plain]]]:
        """Values of every declared column, in the order of the objects.

        Positions whose nested objects turn out to be refused are added to ``refused``; their
        values are null.
        """
        rows = map(msgspec.structs.astuple, objects)
        fields = zip(*rows, strict=True) if objects else [()] * len(self.members)
        for (column, child), values in zip(self.members, fields, strict=True):
            if column is None and child is not None:
                absent = child.absent
                yield from child.columns([value or absent for value in values], refused)
            elif column is not None:
                plains = _texts(values) if column.type is Type.JSON else values
                yield column, plains
                if child is not None:
                    yield from child.columns(_nested(child, plains, refused), refused)


def decode_each(
    decoder: ObjectDecoder, texts: Sequence[bytes], refused: set[int]
) -> list[msgspec.Struct]:
    """The object of each text; positions of texts that hold none are added to ``refused``."""
    objects: list[msgspec.Struct] = []
    decoding = map(decoder.decode, texts)
    while len(objects) < len(texts):
        try:
            objects.extend(decoding)
        except REFUSALS:  # what was decoded before it is in the list already
            refused.add(len(objects))
            objects.append(decoder.absent)
    return objects


def compile_decoder(columns: Sequence[Column]) -> ObjectDecoder:
    """Decoder of a table's payload columns, from the root of the payload.

    Raises:
        ValueError: two columns stand at one path, or a column of a scalar type stands where
            another column expects an object.
    """
    return _compile({column.path: column for column in _unique(columns)}, ())


def _unique(columns: Sequence[Column]) -> Sequence[Column]:
    paths = [column.path for column in columns]
    if len(set(paths)) != len(paths):
        raise ValueError("two columns are declared at the same path of the payload")
    return columns


def _compile(columns: Mapping[tuple[str, ...], Column], prefix: tuple[str, ...]) -> ObjectDecoder:
    depth = len(prefix)
    keys = dict.fromkeys(
        path[depth] for path in columns if len(path) > depth and path[:depth] == prefix
    )
    members: list[tuple[Column | None, ObjectDecoder | None]] = []
    fields: list[tuple[str, object, None]] = []
    names: dict[str, str] = {}
    for index, key in enumerate(keys):
        path = (*prefix, key)
        column = columns.get(path)
        nested = any(len(other) > len(path) and other[: len(path)] == path for other in columns)
        child = _compile(columns, path) if nested else None
        if column is not None and child is not None and column.type is not Type.JSON:
            raise ValueError(f"column {column.name} cannot hold the object that others read")
        members.append((column, child))
        fields.append((f"f{index}", _field_type(column, child), None))
        names[f"f{index}"] = key
    struct = msgspec.defstruct("Payload", fields, rename=names, gc=False)
    return ObjectDecoder(struct, msgspec.json.Decoder(struct).decode, struct(), tuple(members))


def _field_type(column: Column | None, child: ObjectDecoder | None) -> object:
    if column is not None and column.type is Type.TIMESTAMP:
        return _TYPES[Type.LONG] if column.time_format in PER_SECOND else str | None
    if column is not None:
        return _TYPES[column.type]
    return None if child is None else child.type | None


def _texts(values: Sequence[msgspec.Raw | None]) -> Sequence[Plain]:
    if values and values[0] is None and values.count(None) == len(values):
        return list(values)
    texts = [None if value is None else bytes(value) for value in values]
    return [None if text == b"null" else text for text in texts] if b"null" in texts else texts


def _nested(
    child: ObjectDecoder, texts: Sequence[Plain], refused: set[int]
) -> list[msgspec.Struct]:
    present = [row for row, text in enumerate(texts) if isinstance(text, bytes)]
    odd: set[int] = set()
    found = decode_each(child, [text for text in texts if isinstance(text, bytes)], odd)
    refused.update(present[place] for place in odd)
    if len(found) == len(texts):
        return found
    objects = [child.absent] * len(texts)
    for row, value in zip(present, found, strict=True):
        objects[row] = value
    return objects
