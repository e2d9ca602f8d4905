"""A file becomes one snapshot: its rows that the table lacks, and the position after it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.exceptions import ServerError

from services.stream_writer.exports.bad_export import Abandoned
from services.stream_writer.exports.export_committing import pieces
from services.stream_writer.exports.limits import Limits
from services.stream_writer.landing import PartitionsBehind
from shared.lake.commit import Result
from shared.lake.position import Stretch
from shared.runtime.errors import Unavailable
from tests.support.exports import (
    MOMENT,
    SCHEMA,
    TOPIC,
    VECTOR,
    Exports,
    event,
    offered,
    ready,
    summary,
)
from tests.support.faulty_catalog import (
    answers_after_commit,
    conflict,
    late,
    lost_request,
    lost_response,
)

FAULTS = [conflict, lost_request, lost_response, answers_after_commit(ServerError("503"))]


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def stretch(exports: Exports) -> Stretch:
    [found] = exports.lake.positions.partitions[TOPIC, 0].stretches
    return found


class TestRows:
    def test_an_event_is_identified_by_client_moment_and_name(self, exports: Exports) -> None:
        exports.load(exports.file("a.parquet", [event()]))
        assert exports.ids() == [VECTOR]

    def test_every_value_is_in_its_column(self, exports: Exports) -> None:
        told = event(user_id="ada@example.com", page_referrer="https://www.google.com/")
        path = exports.file("a.parquet", [told])
        exports.load(path)
        [row] = exports.rows()
        assert {name: row[name] for name in told} == told
        assert row["_event_time"] == datetime.fromtimestamp(MOMENT / 1_000_000, UTC)
        assert (row["_event_type"], row["_source"]) == ("page_view", "ga4")
        assert (row["_topic"], row["_partition"], row["_offset"]) == (TOPIC, 0, 0)
        assert (row["_source_file"], row["_delivery_id"]) == (path.as_uri(), "delivery-0")
        assert row["_received_at"] == datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
        assert (row["_payload"], row["_error"], row["_drift"]) == (None, None, None)

    def test_all_rows_of_a_file_have_one_stamp_in_utc(self, exports: Exports) -> None:
        exports.load(exports.file("a.parquet", [event(n) for n in range(50)], rows_of_a_group=7))
        [stamp] = {row["_loaded_at"] for row in exports.rows()}
        assert stamp.utcoffset().total_seconds() == 0

    def test_a_column_that_the_table_has_not_is_kept_in_the_payload(self, exports: Exports) -> None:
        schema = SCHEMA.append(pa.field("consent", pa.string()))
        more = [event(0, consent="granted"), event(1, consent=None)]
        exports.load(exports.file("a.parquet", more, schema=schema))
        granted, plain = sorted(exports.rows(), key=lambda row: row["event_timestamp"])
        assert '"consent":"granted"' in granted["_payload"]
        assert (plain["_payload"], granted["_drift"]) == (None, None)

    @pytest.mark.parametrize(
        ("column", "type_", "value", "lands"),
        [
            ("event_timestamp", pa.string(), str(MOMENT), MOMENT),
            ("event_timestamp", pa.float64(), float(MOMENT), MOMENT),
            ("event_timestamp", pa.timestamp("us", "UTC"), MOMENT, MOMENT),
            ("event_timestamp", pa.timestamp("ns"), MOMENT * 1000, MOMENT),
            ("client_id", pa.int64(), 42, "42"),
            ("client_id", pa.binary(), b"42", "42"),
            ("client_id", pa.dictionary(pa.int32(), pa.string()), "42", "42"),
            (
                "event_params",
                pa.list_(pa.struct([("key", pa.string())])),
                [{"key": "a"}],
                '[{"key":"a"}]',
            ),
            ("value", pa.int64(), 7, 7.0),
            ("value", pa.string(), "1.25", 1.25),
            ("value", pa.null(), None, None),
            ("ga_session_number", pa.string(), "3", 3),
            ("is_conversion", pa.string(), "true", True),
        ],
        ids=str,
    )
    def test_a_spelling_that_loses_nothing_fits(
        self, exports: Exports, column: str, type_: pa.DataType, value: Any, lands: Any
    ) -> None:
        schema = SCHEMA.set(SCHEMA.get_field_index(column), pa.field(column, type_))
        exports.load(exports.file("a.parquet", [event(**{column: value})], schema=schema))
        [row] = exports.rows()
        assert (row[column], row["_drift"], row["_error"]) == (lands, None, None)

    @pytest.mark.parametrize(
        ("column", "type_", "value"),
        [
            ("value", pa.string(), "much"),
            ("ga_session_number", pa.int64(), 2**40),
            ("ga_session_number", pa.float64(), 1.5),
            ("is_conversion", pa.int64(), 1),
            ("event_params", pa.string(), "{no json"),
            ("page_title", pa.binary(), b"\xff"),
            ("page_title", pa.list_(pa.string()), ["a"]),
            ("engagement_time_ms", pa.string(), ""),
        ],
        ids=str,
    )
    def test_a_value_that_does_not_fit_costs_its_column_only(
        self, exports: Exports, column: str, type_: pa.DataType, value: Any
    ) -> None:
        schema = SCHEMA.set(SCHEMA.get_field_index(column), pa.field(column, type_))
        exports.load(exports.file("a.parquet", [event(**{column: value})], schema=schema))
        [row] = exports.rows()
        assert (row[column], row["_drift"], row["_error"]) == (None, column, None)
        assert row["_raw_id"] == VECTOR
        assert f'"{column}":' in row["_payload"]
        assert summary(exports.lake.head)["drifted"] == 1

    def test_a_moment_that_no_engine_has_is_a_number_only(self, exports: Exports) -> None:
        exports.load(exports.file("a.parquet", [event(event_timestamp=2**62)]))
        [row] = exports.rows()
        assert (row["event_timestamp"], row["_event_time"]) == (2**62, None)
        assert row["_drift"] == "_event_time"


class TestOnce:
    def test_a_file_that_is_announced_again_brings_nothing(self, exports: Exports) -> None:
        path = exports.file("a.parquet", [event(n) for n in range(10)])
        exports.load(path)
        before = exports.rows()
        exports.load(path)
        assert exports.rows() == before, "not even _loaded_at"
        assert summary(exports.lake.head) == {
            "uri": path.as_uri(),
            "rows": 10,
            "inserted": 0,
            "present": 10,
            "repeated": 0,
            "bad": 0,
            "drifted": 0,
        }
        assert stretch(exports) == Stretch(0, 2, files=2, loaded=10)

    def test_a_key_that_a_file_holds_twice_is_inserted_once_the_first_one(
        self, exports: Exports
    ) -> None:
        exports.load(exports.file("a.parquet", [event(page_title="first"), event(1), event()]))
        assert [row["page_title"] for row in exports.rows()].count("first") == 1
        assert len(exports.ids()) == 2
        assert summary(exports.lake.head)["repeated"] == 1

    def test_of_overlapping_files_only_what_is_new_is_inserted(self, exports: Exports) -> None:
        first = exports.file("a.parquet", [event(n) for n in range(100)], rows_of_a_group=10)
        second = exports.file("b.parquet", [event(n) for n in range(60, 160)], rows_of_a_group=9)
        exports.load(first, second)
        assert len(exports.ids()) == len(set(exports.ids())) == 160
        assert stretch(exports) == Stretch(0, 2, files=2, loaded=160)

    def test_the_same_hour_of_another_day_is_not_looked_at(self, exports: Exports) -> None:
        day = 24 * 3_600_000_000
        exports.load(exports.file("a.parquet", [event(n) for n in range(10)]))
        exports.load(exports.file("b.parquet", [event(n + day) for n in range(10)]))
        assert len(exports.ids()) == 20

    def test_records_read_again_are_covered(self, exports: Exports) -> None:
        path = exports.file("a.parquet", [event()])
        exports.load(path)
        [piece] = pieces(offered(0, ready(path)))
        assert exports.land(piece)[1].result is Result.NOTHING

    def test_nothing_is_skipped(self, exports: Exports) -> None:
        path = exports.file("a.parquet", [event()])
        exports.load(path)
        [piece] = pieces(offered(5, ready(path)))
        with pytest.raises(PartitionsBehind):
            exports.land(piece)

    def test_offsets_without_a_record_are_gaps(self, exports: Exports) -> None:
        exports.load(exports.file("a.parquet", [event()]))
        [piece] = pieces(offered(1, end=4))
        exports.land(piece)
        assert stretch(exports) == Stretch(0, 4, gaps=3, files=1, loaded=1)

    @pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__qualname__)
    def test_whatever_becomes_of_the_commit_rows_are_there_once(
        self, exports: Exports, fault: Any
    ) -> None:
        exports.load(exports.file("a.parquet", [event(n) for n in range(20)]), faults=[fault])
        assert len(exports.ids()) == len(set(exports.ids())) == 20
        assert stretch(exports) == Stretch(0, 1, files=1, loaded=20)

    def test_a_commit_that_arrives_late_does_not_insert_twice(self, exports: Exports) -> None:
        path = exports.file("a.parquet", [event(n) for n in range(20)])
        exports.writer._patience_s = 0.0
        [piece] = pieces(offered(0, ready(path)))
        exports.catalog.faults.append(late)
        with pytest.raises(Unavailable):
            exports.land(piece)
        exports.writer._patience_s = 60.0
        exports.land(piece)
        exports.catalog.deliver_held()
        assert len(exports.ids()) == 20

    def test_rows_that_another_worker_brought_meanwhile_are_left_out(
        self, exports: Exports
    ) -> None:
        """A worker that lost its partition unnoticed, and the one that has it now."""
        mine = exports.file("a.parquet", [event(n) for n in range(20)])
        theirs = exports.file("b.parquet", [event(n) for n in range(10, 30)])
        [piece] = pieces(offered(0, ready(mine)))
        exports.writer.open(piece, lambda: None)
        other, _ = exports.another()
        other.first_seen[TOPIC, 1] = 0
        [their_work] = pieces(offered(0, ready(theirs)))
        batch = replace(their_work.work.batches[TOPIC, 0][0], partition=1)
        their_work.work.batches = {(TOPIC, 1): [batch]}
        other.open(their_work, lambda: None)
        other.land(their_work, None)
        exports.writer.land(piece, None)
        assert len(exports.ids()) == len(set(exports.ids())) == 30
        assert piece.loaded is not None
        assert (piece.loaded.inserted, piece.loaded.present) == (10, 10)

    def test_a_load_that_nobody_wants_any_more_ends(self, exports: Exports) -> None:
        def proceed() -> None:
            raise Abandoned

        path = exports.file("a.parquet", [event()])
        with pytest.raises(Abandoned):
            exports.load(path, proceed=proceed)
        assert exports.rows() == []


class TestBadRows:
    @pytest.mark.parametrize(
        ("column", "type_", "value", "error"),
        [
            ("client_id", pa.string(), None, "missing_client_id"),
            ("event_timestamp", pa.int64(), None, "missing_event_timestamp"),
            ("event_name", pa.string(), None, "missing_event_name"),
            ("event_timestamp", pa.string(), "yesterday", "unfit_event_timestamp"),
            ("client_id", pa.binary(), b"\xff", "unfit_client_id"),
        ],
        ids=str,
    )
    def test_a_row_without_its_identity_is_a_row_with_an_error(
        self, exports: Exports, column: str, type_: pa.DataType, value: Any, error: str
    ) -> None:
        schema = SCHEMA.set(SCHEMA.get_field_index(column), pa.field(column, type_))
        fine: dict[str, Any] = event()
        if pa.types.is_binary(type_):
            fine["client_id"] = b"c"
        elif column == "event_timestamp" and pa.types.is_string(type_):
            fine["event_timestamp"] = "1"
        bad = {**fine, column: value, "page_title": "bad"}
        path = exports.file("a.parquet", [fine, bad, fine], schema=schema)
        exports.load(path)
        exports.load(path)
        rows = {row["page_title"]: row for row in exports.rows()}
        assert len(exports.rows()) == 2
        assert rows["Home"]["_error"] is None
        assert rows["bad"]["_error"] == error
        assert '"page_title":"bad"' in rows["bad"]["_payload"]
        assert stretch(exports) == Stretch(0, 2, errors=1, files=2, loaded=2)

    def test_bad_rows_that_differ_are_both_kept(self, exports: Exports) -> None:
        bad = [event(client_id=None, page_title=title) for title in ("a", "b", "a")]
        exports.load(exports.file("a.parquet", bad))
        assert len(exports.ids()) == 2

    @pytest.mark.parametrize("lacks", ["client_id", "event_name", "event_timestamp"])
    def test_a_bad_row_is_inserted_once_however_often_and_in_whatever_file_it_comes(
        self, exports: Exports, lacks: str
    ) -> None:
        lacking: dict[str, Any] = {lacks: None}
        bad = event(**lacking)
        first = exports.file("a.parquet", [bad, event(10**12)])
        exports.load(first, first)
        exports.load(exports.file("b.parquet", [bad]))
        assert len(exports.ids()) == 2

    def test_a_file_of_mostly_bad_rows_is_refused_as_a_whole(self, tmp_path: Path) -> None:
        exports = Exports(tmp_path, Limits(bad_share=0.5, bad_minimum=3))
        bad = [event(n, client_id=None) for n in range(3)]
        exports.load(exports.file("a.parquet", [*bad, event(), event(1)]))
        [row] = exports.rows()
        assert row["_error"] == "too_many_bad_rows"


class TestBadFiles:
    def refused(self, exports: Exports, *told: Any) -> dict[str, Any]:
        """The row of a file that cannot be loaded; the next one is loaded all the same."""
        [bad, good] = exports.load(*told, exports.file("good.parquet", [event()]))
        assert bad.refused is not None
        assert good.refused is None
        rows = {row["_offset"]: row for row in exports.rows()}
        assert rows[1]["_raw_id"] == VECTOR
        assert rows[0]["_error"] == bad.refused.reason
        assert rows[0]["_raw_id"] is None
        assert stretch(exports) == Stretch(0, 2, rows=1, errors=1, files=1, loaded=1)
        return rows[0]

    def test_a_file_that_is_gone(self, exports: Exports) -> None:
        row = self.refused(exports, exports.directory / "nothing.parquet")
        assert row["_error"] == "not_found"
        assert "nothing.parquet" in row["_payload"]
        assert row["_source_file"].endswith("nothing.parquet")

    @pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1" + b"\0" * 100 + b"PAR1"])
    def test_a_file_that_is_no_parquet(self, exports: Exports, content: bytes) -> None:
        path = exports.directory / "bad.parquet"
        path.write_bytes(content)
        assert self.refused(exports, path)["_error"] == "not_parquet"

    def test_a_file_that_is_damaged_in_the_middle(self, exports: Exports) -> None:
        path = exports.file("bad.parquet", [event(n) for n in range(500)])
        content = bytearray(path.read_bytes())
        content[4:200] = b"\xff" * 196
        path.write_bytes(bytes(content))
        assert self.refused(exports, path)["_error"] == "not_parquet"

    def test_a_file_without_a_column(self, exports: Exports) -> None:
        path = exports.file("bad.parquet", [event()], schema=SCHEMA.remove(0).remove(2))
        assert self.refused(exports, path)["_error"] == "missing_columns"

    def test_a_file_that_is_too_large(self, tmp_path: Path) -> None:
        exports = Exports(tmp_path, Limits(max_bytes=20_000))
        path = exports.file("bad.parquet", [event(n) for n in range(20_000)])
        assert path.stat().st_size > 20_000
        assert self.refused(exports, path)["_error"] == "too_large"

    def test_a_record_that_announces_nothing(self, exports: Exports) -> None:
        row = self.refused(exports, b"no json")
        assert (row["_error"], row["_payload"]) == ("invalid_announcement", "no json")

    def test_a_file_beside_the_prefixes(self, exports: Exports, tmp_path: Path) -> None:
        exports.file("x.parquet", [event()]).rename(tmp_path / "x.parquet")
        assert self.refused(exports, tmp_path / "x.parquet")["_error"] == "not_allowed"

    def test_a_link_out_of_the_prefixes(self, exports: Exports, tmp_path: Path) -> None:
        outside = tmp_path / "x.parquet"
        exports.file("y.parquet", [event()]).rename(outside)
        (exports.directory / "link.parquet").symlink_to(outside)
        assert self.refused(exports, exports.directory / "link.parquet")["_error"] == "not_allowed"

    def test_a_pipe_is_not_waited_for(self, exports: Exports) -> None:
        os.mkfifo(exports.directory / "pipe")
        assert self.refused(exports, exports.directory / "pipe")["_error"] == "not_allowed"
