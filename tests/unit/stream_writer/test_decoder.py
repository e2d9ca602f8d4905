"""Declarations of payload columns that cannot be read are refused when they are compiled."""

from __future__ import annotations

import pytest

from services.stream_writer.parsing.decoder import compile_decoder
from shared.tables.spec import Column, Type


def test_two_columns_at_one_path_are_refused() -> None:
    columns = [Column("a", Type.LONG, 1, ("it",)), Column("b", Type.JSON, 2, ("it",))]
    with pytest.raises(ValueError, match="same path"):
        compile_decoder(columns)


def test_a_scalar_column_cannot_hold_the_object_of_another() -> None:
    columns = [Column("a", Type.STRING, 1, ("it",)), Column("b", Type.LONG, 2, ("it", "id"))]
    with pytest.raises(ValueError, match="column a cannot hold"):
        compile_decoder(columns)


def test_a_json_column_and_a_column_within_it_are_both_read() -> None:
    outer = Column("a", Type.JSON, 1, ("x", "it"))
    inner = Column("b", Type.LONG, 2, ("x", "it", "id"))
    decoder = compile_decoder([outer, inner])
    refused: set[int] = set()
    objects = [decoder.decode(b'{"x":{"it":{ "id": 4 }}}')]
    found = {column: list(values) for column, values in decoder.columns(objects, refused)}
    assert found == {outer: [b'{ "id": 4 }'], inner: [4]}
    assert not refused
