"""PyIceberg resolves the schema of every Avro file anew, which takes longer than its rows.

A few schemas are all there are, so each is resolved once; what is read is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from pyiceberg.avro import file as avro_file
from pyiceberg.avro import resolver
from pyiceberg.avro.reader import Reader
from pyiceberg.schema import Schema
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

_RESOLVED: dict[tuple[object, ...], tuple[Reader, Schema, Schema]] = {}
_resolve = resolver.resolve_reader


@cache
def _schema(text: str) -> Schema:
    return AvroSchemaConversion().avro_to_iceberg(json.loads(text))


def _get_schema(header: avro_file.AvroFileHeader) -> Schema:
    return _schema(header.meta["avro.schema"])


def _resolve_reader(file: Schema, read: Schema, types: Any, enums: Any) -> Reader:
    key = (id(file), id(read), *types.items(), *enums.items())
    if key not in _RESOLVED:  # the schemas are held, so that their ids stay theirs
        _RESOLVED[key] = _resolve(file, read, types, enums), file, read
    return _RESOLVED[key][0]


@contextmanager
def remembered() -> Iterator[None]:
    """Each schema once."""
    with (
        patch.object(avro_file.AvroFileHeader, "get_schema", _get_schema),
        patch.object(avro_file, "resolve_reader", _resolve_reader),
    ):
        yield
