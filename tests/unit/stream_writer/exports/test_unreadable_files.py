"""No file keeps the next ones waiting for ever, whatever is in it and whatever becomes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import FileSystem, LocalFileSystem, SubTreeFileSystem

from services.stream_writer.exports import load
from services.stream_writer.exports.bad_export import BadExport
from services.stream_writer.exports.export_committing import pieces
from services.stream_writer.exports.understanding import understanding
from shared.lake.file_io import DelayedOpenFileIO
from shared.runtime.export_places import Places, prefixes_of
from tests.support.exports import SCHEMA, Exports, event, offered, ready, summary, write

NO_UTF8 = pa.StringArray.from_buffers(
    1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")
)
ODD = {
    "nanoseconds": pa.array([1], pa.timestamp("ns")),
    "nanoseconds of a day": pa.array([1], pa.time64("ns")),
    "a duration": pa.array([1], pa.duration("ns")),
    "a year that Python has not": pa.array([2**50], pa.timestamp("us")),
    "a zone that is none": pa.array([1], pa.timestamp("us", tz="Mars/Phobos")),
    "such a moment in a list": pa.array([[1]], pa.list_(pa.timestamp("ns"))),
    "no UTF-8": NO_UTF8,
    "no UTF-8 in a list": pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), NO_UTF8),
    "no UTF-8 in an object": pa.StructArray.from_arrays([NO_UTF8], ["a"]),
    "no UTF-8 in a map": pa.MapArray.from_arrays(
        pa.array([0, 1], pa.int32()), pa.array(["a"]), NO_UTF8
    ),
    "no UTF-8 in a dictionary": pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), NO_UTF8),
    "a decimal": pa.array([1], pa.decimal128(38, 9)),
}


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


class TestOddValues:
    @pytest.mark.parametrize("values", ODD.values(), ids=ODD)
    def test_a_column_that_the_table_has_not_may_hold_anything(
        self, exports: Exports, values: pa.Array
    ) -> None:
        path = exports.file("a.parquet", [event()])
        pq.write_table(pq.read_table(path).append_column("more", values), path)
        exports.load(path)
        [row] = exports.rows()
        assert (row["_error"], row["_drift"]) == (None, None)
        assert json.loads(row["_payload"])["more"] is not None

    @pytest.mark.parametrize("values", ODD.values(), ids=ODD)
    @pytest.mark.parametrize("column", ["page_title", "event_params", "is_conversion"])
    def test_so_may_a_column_that_the_table_has(
        self, exports: Exports, column: str, values: pa.Array
    ) -> None:
        path = exports.file("a.parquet", [event()])
        table = pq.read_table(path)
        at = SCHEMA.get_field_index(column)
        pq.write_table(table.set_column(at, column, values), path)
        exports.load(path)
        [row] = exports.rows()
        assert row["_error"] is None
        assert row[column] is not None or row["_drift"] == column

    def test_what_is_not_understood_refuses_the_file_and_not_the_next_ones(
        self, exports: Exports, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: Any) -> Any:
            raise KeyError("a fault of ours")

        with monkeypatch.context() as patched:
            patched.setattr(load, "rows", fails)
            exports.load(exports.file("a.parquet", [event(0)]))
        exports.load(exports.file("b.parquet", [event(1)]))
        assert sorted(str(row["_error"]) for row in exports.rows()) == ["None", "not_understood"]


class Bucket(DelayedOpenFileIO):
    """Objects that are files of a directory."""

    def __init__(self, root: Path) -> None:
        super().__init__({})
        self.root = root

    def _initialize_fs(self, scheme: str, netloc: str | None = None) -> FileSystem:
        return SubTreeFileSystem(str(self.root), LocalFileSystem())


class TestObjects:
    @pytest.fixture
    def stored(self, exports: Exports) -> Path:
        exports.writer.places = Places(prefixes_of("s3://bucket/ga4", exports.directory))
        exports.writer.objects = Bucket(exports.directory)
        return write(exports.directory / "bucket" / "ga4" / "a.parquet", [event()])

    def test_are_loaded(self, exports: Exports, stored: Path) -> None:
        exports.load(ready("s3://bucket/ga4/a.parquet"))
        assert len(exports.ids()) == 1

    def test_one_that_is_gone_before_its_rows_are_written_is_refused(
        self, exports: Exports, stored: Path
    ) -> None:
        [piece] = pieces(offered(0, ready("s3://bucket/ga4/a.parquet")))
        exports.land(piece, lambda: stored.unlink(missing_ok=True))
        assert [row["_error"] for row in exports.rows()] == ["not_found"]

    def test_one_of_the_same_size_that_took_its_place_is_refused(
        self, exports: Exports, stored: Path
    ) -> None:
        [piece] = pieces(offered(0, ready("s3://bucket/ga4/a.parquet")))
        exports.land(piece, lambda: os.utime(stored, (1, 1)))
        assert [row["_error"] for row in exports.rows()] == ["changed"]
        assert summary(exports.lake.table.current_snapshot())["refused"] == "changed"

    def test_one_that_was_opened_is_looked_at_again_when_it_is_tried_again(
        self, exports: Exports, stored: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [piece] = pieces(offered(0, ready("s3://bucket/ga4/a.parquet")))

        def away(*_: Any, **__: Any) -> Any:
            raise OSError("AWS Error NO_SUCH_KEY during GetObject operation")

        with monkeypatch.context() as patched:
            patched.setattr(load.Load, "files", away)
            with pytest.raises(OSError, match="NO_SUCH_KEY"):
                exports.writer.open(piece, lambda: None)
        stored.unlink()
        monkeypatch.setattr(load.Load, "files", away)  # as the store goes on to say
        exports.land(piece)
        assert [row["_error"] for row in exports.rows()] == ["not_found"]


@pytest.mark.parametrize("name", ["a" * 300, "é" * 200])
def test_a_name_that_no_file_can_have_is_refused(exports: Exports, name: str) -> None:
    exports.load(ready(exports.directory.as_uri() + f"/{name}.parquet"))
    [row] = exports.rows()
    assert row["_error"] == "not_found"


def test_an_object_s_key_has_an_end() -> None:
    places = Places(prefixes_of("s3://bucket/ga4", Path("/")))
    with pytest.raises(Exception, match="too long"):
        places.place("s3://bucket/ga4/" + "é" * 600)


def test_a_refusal_tells_no_value() -> None:
    with pytest.raises(BadExport) as refused, understanding():
        raise KeyError("ada@example.com")
    assert "ada" not in refused.value.detail
