"""The quality check of the entity index asks for columns that the staged tables have."""

from __future__ import annotations

import pytest

from shared.lake.entity_quality.sources import SOURCES, Source
from shared.tables.registry import TABLES

STAGED = [source for source in SOURCES if source.table in TABLES]


@pytest.mark.parametrize("source", STAGED, ids=[source.name for source in STAGED])
def test_a_staged_source_has_the_column_of_its_ids(source: Source) -> None:
    assert source.id_column in {column.name for column in TABLES[source.table].columns}


def test_some_source_is_staged() -> None:
    assert STAGED
