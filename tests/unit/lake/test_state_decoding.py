"""A catalog's JSON becomes the state that PyIceberg's model of it describes."""

from __future__ import annotations

import msgspec
import pytest
from pyiceberg.table.update import RemoveSnapshotsUpdate, SetPropertiesUpdate

from shared.lake.commit import commit
from shared.lake.state_decoding import StateDecoder
from shared.lake.table_state import TableState
from tests.support.lake import Batch, Lake


def answer(lake: Lake) -> bytes:
    """As a REST catalog answers."""
    table = lake.table
    metadata = table.metadata.model_dump_json()
    location = msgspec.json.encode(table.metadata_location).decode()
    return f'{{"metadata-location":{location},"metadata":{metadata},"config":{{}}}}'.encode()


def expected(lake: Lake) -> TableState:
    return TableState.of(lake.metadata, lake.table.metadata_location)


def land(lake: Lake, count: int) -> None:
    begin = len(lake.state.snapshots)
    for number in range(begin, begin + count):
        handle = lake.handle()
        batch = Batch(handle, 10 * number, 10 * number + 10)
        commit(handle, batch.decide, commit_id=f"c{number}", writer="test")


def test_a_table_without_snapshots(lake: Lake) -> None:
    state = StateDecoder().decode(answer(lake))
    assert state == expected(lake)
    assert state.current_snapshot() is None


def test_a_table_with_snapshots(lake: Lake) -> None:
    land(lake, 3)
    lake.foreign_append()
    state = StateDecoder().decode(answer(lake))
    assert state == expected(lake)
    assert state.metadata_location.endswith(".metadata.json")
    assert state.current_snapshot() == lake.head


def test_only_what_is_new_is_decoded(lake: Lake) -> None:
    decoder = StateDecoder()
    land(lake, 3)
    first = decoder.decode(answer(lake))
    land(lake, 1)
    lake.update(RemoveSnapshotsUpdate(snapshot_ids=[first.snapshots[0].snapshot_id]))
    second = decoder.decode(answer(lake))
    assert second == expected(lake)
    old = [each for each in second.snapshots if each.snapshot_id in first.by_id]
    assert [first.by_id[each.snapshot_id] for each in old] == old
    # PyIceberg forgets the parent of the snapshot after a removed one, so that one is another.
    assert sum(first.by_id[each.snapshot_id] is each for each in old) >= len(old) - 1


def test_properties_and_references_are_those_of_the_answer(lake: Lake) -> None:
    decoder = StateDecoder()
    land(lake, 1)
    decoder.decode(answer(lake))
    lake.update(SetPropertiesUpdate(updates={"owner": "finance"}))
    land(lake, 1)
    state = decoder.decode(answer(lake))
    assert state.properties["owner"] == "finance"
    assert state.refs["main"].snapshot_id == lake.head.snapshot_id


def test_some_catalogs_write_minus_one_for_no_head(lake: Lake) -> None:
    content = answer(lake).replace(b'"metadata":{', b'"metadata":{"current-snapshot-id":-1,', 1)
    assert StateDecoder().decode(content).current_snapshot_id is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"metadata":{}}', b"<html>busy</html>"])
def test_what_is_no_such_answer_is_refused(content: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        StateDecoder().decode(content)
