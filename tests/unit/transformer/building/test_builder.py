"""Builds on real tables: what is committed, what is not, what happens when others commit, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from services.transformer.building import writing
from services.transformer.building.aside import BRANCH, CATCH_UPS
from services.transformer.building.builder import Builder
from services.transformer.building.tables import Tables
from services.transformer.config import TransformerSettings
from services.transformer.framework import incremental, slices
from services.transformer.framework.transform import Transform
from services.transformer.request import BuildReport, BuildRequest, Stage
from shared.lake.branches import publish_branch, start_branch
from shared.lake.handle import TableHandle
from shared.lake.provenance import completeness, traced
from shared.runtime.errors import NotFound, Refused, Unavailable
from tests.support.toy_lake import TODAY, ToyLake, build_all, request
from tests.unit.transformer.framework import toys

ITEMS, TOTALS, WINDOWS = toys.ITEMS.name, toys.TOTALS.name, toys.WINDOWS.name
EVENTS = toys.EVENTS.name
WRITE = "services.transformer.building.steps.write"


@pytest.fixture
def lake(tmp_path: Path) -> ToyLake:
    return ToyLake(tmp_path, toys.TABLES, toys.TRANSFORMS)


def event(id_: int | None, day: int, amount: int, changed: int = 1) -> dict[str, Any]:
    return {
        "id": id_,
        "day": date(2024, 1, day),
        "amount": amount,
        "changed": changed,
        "seen": changed,
        "arrived": 0,
        "error": None,
    }


def test_a_chain_of_tables_is_built_from_what_landed(lake: ToyLake) -> None:
    lake.land(EVENTS, [event(1, 1, 10), event(2, 1, 20), event(3, 2, 5)])
    reports = build_all(lake.builder(), lake.transforms)
    assert {name: each.mode for name, each in reports.items()} == dict.fromkeys(reports, "full")
    assert lake.rows(TOTALS).rows() == [(date(2024, 1, 1), 2, 30), (date(2024, 1, 2), 1, 5)]
    assert lake.rows(WINDOWS)["amount"].to_list() == [30, 35]


def test_a_later_build_reads_and_writes_what_changed(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(n, 1 + n % 9, n) for n in range(1, 100)])
    build_all(builder, lake.transforms)
    lake.land(EVENTS, [event(5, 6, 1000, changed=2)])
    reports = build_all(builder, lake.transforms)
    assert reports[ITEMS].mode == "incremental"
    assert (reports[ITEMS].rows_added, reports[ITEMS].rows_removed) == (1, 1)
    assert (reports[TOTALS].rows_added, reports[TOTALS].rows_removed) == (1, 1)
    assert reports[ITEMS].rows_read == 2, "the new row and the stored one of its key"
    assert lake.rows(TOTALS)["amount"].sum() == sum(range(1, 100)) - 5 + 1000


def test_many_touched_groups_are_computed_in_slices_of_files(lake: ToyLake) -> None:
    """Items lie in files of a few days each, so slices of days read few of them."""
    builder = lake.builder()
    for first in range(1, 17, 4):
        lake.land(EVENTS, [event(n, n, n) for n in range(first, first + 4)])
        build_all(builder, lake.transforms)
    lake.land(EVENTS, [event(n, n, 100 + n, changed=2) for n in range(1, 17)])
    builder.build(ITEMS, request())
    made: list[list[pl.DataFrame]] = []

    def told(*of: Any) -> list[pl.DataFrame]:
        made.append(slices.slices(*of))
        return made[-1]

    with (
        patch.object(slices, "MOST_ROWS", 8),
        patch.object(slices, "MOST_READ_AGAIN", 3.0),
        patch.object(incremental, "slices", told),
    ):
        report = builder.build(TOTALS, request())
    [sliced] = made
    assert len(sliced) > 1, "sixteen groups of two rows each are more than eight rows"
    assert max(each.height for each in sliced) < 16
    assert pl.concat(sliced).n_unique() == 16, "each group is in one of them"
    assert sum(each.height for each in sliced) == 16
    assert (report.mode, report.rows_added, report.rows_removed) == ("incremental", 16, 16)
    assert lake.rows(TOTALS)["amount"].to_list() == [100 + n for n in range(1, 17)]


def test_every_snapshot_says_what_it_is_built_from_and_how_far_it_is_complete(
    lake: ToyLake,
) -> None:
    lake.land(EVENTS, [event(1, 1, 10), event(2, 1, 20)])
    build_all(lake.builder(), lake.transforms)
    state = lake.state(WINDOWS)
    provenance = traced(state).provenance
    assert provenance is not None
    totals = lake.state(TOTALS)
    assert provenance.sources[TOTALS].snapshot_id == totals.current_snapshot_id
    assert provenance.sources[TOTALS].uuid == totals.table_uuid
    assert provenance.as_of == TODAY
    head = state.current_snapshot()
    assert head is not None
    assert completeness(state, head.snapshot_id) == {(EVENTS, 0): 2}
    assert head.summary["bergline.writer"] == "transformer"


def test_a_build_that_changes_no_row_still_says_that_it_is_complete_further(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    lake.land(EVENTS, [event(None, 1, 10)])
    report = build_all(builder, lake.transforms)[WINDOWS]
    assert (report.mode, report.rows_added, report.rows_removed) == ("incremental", 0, 0)
    state = lake.state(WINDOWS)
    assert completeness(state, state.current_snapshot_id or 0) == {(EVENTS, 0): 2}


def test_a_second_build_has_nothing_to_do(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    before = {name: lake.state(name).current_snapshot_id for name in lake.transforms}
    again = build_all(lake.builder(), lake.transforms)
    assert {each.mode for each in again.values()} == {"nothing"}
    assert before == {name: lake.state(name).current_snapshot_id for name in lake.transforms}


def test_the_business_date_alone_builds_a_ticked_table(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    tomorrow = TODAY + timedelta(days=1)
    report = builder.build(WINDOWS, request(as_of=tomorrow))
    assert (report.mode, report.as_of) == ("incremental", tomorrow)
    assert lake.rows(WINDOWS)["age"].to_list() == [10]
    assert builder.build(WINDOWS, request(as_of=TODAY)).mode == "nothing", "it never goes back"


@contextmanager
def before_the_commit(act: Any) -> Iterator[None]:
    """Somebody acts between the first build's computing and its commit."""
    acted: list[bool] = []

    def write(*args: Any, **named: Any) -> Any:
        if not acted:
            acted.append(True)
            act()
        return writing.write(*args, **named)

    with patch(WRITE, write):
        yield
    assert acted


def test_a_builder_that_was_overtaken_plans_again(lake: ToyLake) -> None:
    lake.land(EVENTS, [event(1, 1, 10)])
    late, other = lake.builder(), lake.builder()
    build_all(late, lake.transforms)
    lake.land(EVENTS, [event(1, 1, 11, changed=2)])

    def overtake() -> None:
        lake.land(EVENTS, [event(1, 1, 12, changed=3), event(2, 1, 1)])
        with patch(WRITE, writing.write):
            other.build(ITEMS, request())

    with before_the_commit(overtake):
        report = late.build(ITEMS, request())
    assert report.mode == "nothing"
    assert lake.rows(ITEMS)["amount"].to_list() == [12, 1]


def test_rows_that_somebody_else_changed_are_built_anew_aside(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10), event(2, 2, 20)])
    build_all(builder, lake.transforms)
    lake.handle(ITEMS).table.delete("id = 1")
    report = builder.build(ITEMS, request())
    assert (report.mode, report.rebuild) == ("nothing", "rows were changed by somebody else")
    assert lake.rows(ITEMS).height == 1
    rebuild(builder, ITEMS)
    assert lake.rows(ITEMS)["amount"].to_list() == [10, 20]
    assert builder.build(ITEMS, request()).mode == "nothing"


def rebuild(builder: Builder, name: str) -> tuple[BuildReport, BuildReport]:
    return (
        builder.build(name, request(Stage.REBUILD)),
        builder.build(name, request(Stage.PUBLISH)),
    )


def changed_code(name: str) -> Mapping[str, Transform]:
    known = toys.TRANSFORMS[name]
    return {**toys.TRANSFORMS, name: replace(known, version=known.version + 1)}


def test_changed_code_is_rebuilt_aside_while_readers_keep_what_they_have(lake: ToyLake) -> None:
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(lake.builder(), lake.transforms)
    main = lake.state(ITEMS).current_snapshot_id
    builder = lake.builder(changed_code(ITEMS))
    live = builder.build(ITEMS, request())
    assert live.rebuild is not None
    assert live.rebuild.startswith("code changed from 1:")
    builder.build(ITEMS, request(Stage.REBUILD))
    assert lake.state(ITEMS).current_snapshot_id == main
    lake.land(EVENTS, [event(2, 1, 7)])
    report = builder.build(ITEMS, request(Stage.PUBLISH))
    assert report.snapshot_id == lake.state(ITEMS).current_snapshot_id != main
    assert lake.rows(ITEMS)["amount"].to_list() == [10, 7], "it caught up with what came meanwhile"
    assert BRANCH not in lake.state(ITEMS).refs
    assert builder.build(ITEMS, request()).mode == "nothing"


def test_a_rebuild_that_finds_the_same_rows_writes_none(lake: ToyLake) -> None:
    lake.land(EVENTS, [event(n, 1, n) for n in range(1, 20)])
    build_all(lake.builder(), lake.transforms)
    builder = lake.builder(changed_code(ITEMS))
    report, _ = rebuild(builder, ITEMS)
    assert (report.mode, report.rows_added, report.rows_removed) == ("full", 0, 0)
    after = builder.build(TOTALS, request())
    assert (after.mode, after.rows_added, after.rows_removed) == ("nothing", 0, 0)


def test_live_builds_go_on_during_a_rebuild_that_was_only_asked_for(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    builder.build(ITEMS, request(Stage.REBUILD))
    lake.land(EVENTS, [event(2, 1, 7)])
    assert builder.build(ITEMS, request()).rows_added == 1
    lake.land(EVENTS, [event(3, 1, 8)])
    builder.build(ITEMS, request(Stage.PUBLISH))
    assert lake.rows(ITEMS)["amount"].to_list() == [10, 7, 8]


def test_there_is_nothing_to_publish_without_a_rebuild(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    with pytest.raises(Refused, match="has no branch rebuild"):
        builder.build(ITEMS, request(Stage.PUBLISH))


def test_a_publication_whose_answer_was_lost_is_found(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    builder.build(ITEMS, request(Stage.REBUILD))
    asked: BuildRequest = request(Stage.PUBLISH)
    first = builder.build(ITEMS, asked)
    assert lake.builder().build(ITEMS, asked).snapshot_id == first.snapshot_id


def test_a_rebuild_that_was_only_begun_is_not_published(lake: ToyLake) -> None:
    """Another owner begins it anew between the steps of one that was thought dead."""
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10), event(2, 2, 20)])
    build_all(builder, lake.transforms)
    lake.handle(ITEMS).table.delete("id = 1")
    builder.build(ITEMS, request(Stage.REBUILD))
    start_branch(lake.handle(ITEMS), BRANCH, commit_id="of another owner", writer="test")
    with pytest.raises(Refused, match="rows were changed by somebody else"):
        builder.build(ITEMS, request(Stage.PUBLISH))
    rebuild(builder, ITEMS)
    assert lake.rows(ITEMS)["amount"].to_list() == [10, 20]


def test_what_is_published_of_a_rebuild_only_begun_is_not_built_upon(lake: ToyLake) -> None:
    """It may begin anew after the last look at it: the table says that it has to be rebuilt."""
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10), event(2, 2, 20)])
    build_all(builder, lake.transforms)
    lake.handle(ITEMS).table.delete("id = 1")
    builder.build(ITEMS, request(Stage.REBUILD))

    def overtaken(*args: Any, **named: Any) -> Any:
        start_branch(lake.handle(ITEMS), BRANCH, commit_id="of another owner", writer="test")
        return publish_branch(*args, **named)

    with patch("services.transformer.building.aside.publish_branch", overtaken):
        builder.build(ITEMS, request(Stage.PUBLISH))
    assert builder.build(ITEMS, request()).rebuild == "rows were changed by somebody else"
    rebuild(builder, ITEMS)
    assert lake.rows(ITEMS)["amount"].to_list() == [10, 20]


def test_a_rebuild_that_never_catches_up_does_not_take_main_back(lake: ToyLake) -> None:
    """Its inputs move on with every round, and a builder that was thought dead commits to main."""
    builder, zombie = lake.builder(), lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    builder.build(ITEMS, request(Stage.REBUILD))
    rounds: list[int] = []

    def write(*args: Any, **named: Any) -> Any:
        written = writing.write(*args, **named)
        if named["ref"] == BRANCH:
            rounds.append(1)
            lake.land(EVENTS, [event(1, 1, 10 + len(rounds), changed=1 + len(rounds))])
            if len(rounds) == CATCH_UPS:
                zombie.build(ITEMS, request())
        return written

    lake.land(EVENTS, [event(2, 2, 1)])
    with patch(WRITE, write):
        builder.build(ITEMS, request(Stage.PUBLISH))
    head = lake.state(ITEMS).current_snapshot()
    assert head is not None
    taken = completeness(lake.state(ITEMS), head.snapshot_id)[EVENTS, 0]
    assert taken >= 2 + CATCH_UPS, "what the other one had committed to main"


def test_a_rebuild_may_take_longer_than_every_snapshot_of_its_inputs_is_kept(
    lake: ToyLake,
) -> None:
    """Of a large input it reads one that is kept for longer than the newest."""
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    lasting = lake.state(EVENTS).current_snapshot_id
    lake.land(EVENTS, [event(2, 2, 20)])
    newest = lake.state(EVENTS).current_snapshot_id
    assert lasting is not None
    assert newest is not None

    def thin() -> None:
        lake.land(EVENTS, [event(3, 3, 30)])
        lake.handle(EVENTS).table.maintenance.expire_snapshots().by_id(newest).commit()

    with (
        patch("services.transformer.building.iceberg_lake.LARGE_ROWS", 1),
        patch(
            "services.transformer.building.iceberg_lake.lasting",
            lambda state, _: state.by_id[lasting],
        ),
        before_the_commit(thin),
    ):
        builder.build(ITEMS, request(Stage.REBUILD))
    builder.build(ITEMS, request(Stage.PUBLISH))
    assert lake.rows(ITEMS)["amount"].to_list() == [10, 20, 30]


def test_a_source_that_was_rolled_back_takes_its_rows_along(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 10)])
    first = lake.state(EVENTS).current_snapshot_id
    lake.land(EVENTS, [event(1, 1, 99, changed=5), event(2, 3, 1)])
    build_all(builder, lake.transforms)
    assert first is not None
    with lake.handle(EVENTS).table.manage_snapshots() as manage:
        manage.create_branch(first, "main")
    build_all(builder, lake.transforms)
    assert lake.rows(ITEMS)["amount"].to_list() == [10]
    assert lake.rows(TOTALS)["day"].to_list() == [date(2024, 1, 1)]


def test_many_builds_fold_their_deletes(lake: ToyLake) -> None:
    builder = lake.builder()
    lake.land(EVENTS, [event(1, 1, 0), event(2, 1, 5)])
    build_all(builder, lake.transforms)
    for changed in range(2, 24):
        lake.land(EVENTS, [event(1, 1, changed, changed)])
        builder.build(ITEMS, request())
    head = lake.state(ITEMS).current_snapshot()
    assert head is not None
    assert int(head.summary["total-delete-files"]) < 20
    assert lake.rows(ITEMS)["amount"].to_list() == [23, 5]
    assert builder.build(ITEMS, request()).mode == "nothing"


def test_a_closure_follows_links_over_several_builds(lake: ToyLake) -> None:
    builder = lake.builder()
    links, components = toys.LINKS.name, toys.COMPONENTS.name
    lake.land(links, [{"one": "a", "other": "b"}, {"one": "c", "other": "d"}])
    builder.build(components, request())
    lake.land(links, [{"one": "b", "other": "c"}])
    builder.build(components, request())
    expected = pl.DataFrame({"node": ["a", "b", "c", "d"], "component": ["a"] * 4})
    assert_frame_equal(lake.rows(components), expected)


def test_after_the_store_refused_tables_are_loaded_with_their_credentials(lake: ToyLake) -> None:
    """Those that a catalog gave out with a table expire; a worker lives longer."""
    tables = Tables(TransformerSettings(), lake.specs, lake.handle)
    builder = Builder(TransformerSettings(), lake.transforms, tables)
    lake.land(EVENTS, [event(1, 1, 10)])
    build_all(builder, lake.transforms)
    lake.land(EVENTS, [event(2, 2, 20)])
    expired = patch(
        "services.transformer.building.iceberg_lake.scan", side_effect=OSError("expired")
    )
    watched = patch.object(TableHandle, "renew", autospec=True)
    with watched as renew, expired, pytest.raises(Unavailable):
        builder.build(ITEMS, request())
    assert {call.args[0].name for call in renew.call_args_list} >= {EVENTS, ITEMS}
    assert builder.build(ITEMS, request()).rows_added == 1


def test_what_nothing_builds_is_not_found(lake: ToyLake) -> None:
    with pytest.raises(NotFound, match=r"nothing builds toys\.events"):
        lake.builder().build(EVENTS, request())
