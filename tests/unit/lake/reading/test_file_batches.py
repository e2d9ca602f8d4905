from __future__ import annotations

import polars as pl
from pyiceberg.io.pyarrow import PyArrowFileIO

from shared.lake.reading.columns import Columns
from shared.lake.reading.file_batches import batches, storage_options, without_secrets
from tests.support.row_histories import RowHistory, day

STORE = PyArrowFileIO(
    {
        "s3.endpoint": "http://127.0.0.1:9000",
        "s3.region": "us-east-1",
        "s3.access-key-id": "the-key",
        "s3.secret-access-key": "the-secret",
        "s3.session-token": "the-token",
    }
)


def test_the_store_is_the_one_that_the_file_io_reads_from() -> None:
    assert storage_options(STORE) == {
        "aws_endpoint_url": "http://127.0.0.1:9000",
        "aws_allow_http": "true",
        "aws_region": "us-east-1",
        "aws_access_key_id": "the-key",
        "aws_secret_access_key": "the-secret",
        "aws_session_token": "the-token",
    }


def test_plain_http_is_allowed_only_where_it_is_asked_for() -> None:
    secure = PyArrowFileIO({"s3.endpoint": "https://store"})
    assert storage_options(secure) == {"aws_endpoint_url": "https://store"}


def test_a_message_of_the_store_loses_what_is_secret() -> None:
    message = "403: the-key, the-secret and the-token do not open s3://bucket/file"
    assert without_secrets(STORE, message) == "403: ***, *** and *** do not open s3://bucket/file"


def test_files_of_one_layout_are_read_together(history: RowHistory) -> None:
    old = [file for _ in range(3) for file in history.write([{"id": 1, "at": day(1)}])]
    with history.table.update_schema() as update:
        update.rename_column("kind", "sort")
    new = [file for _ in range(3) for file in history.write([{"id": 2, "at": day(1)}])]
    untouched = Columns.of(history.table, ["id"])
    (one,) = batches(untouched, [*old, *new], apart=False)
    assert one.starts == [0, 1, 2, 3, 4, 5]
    renamed = Columns.of(history.table, ["id", "sort"])
    found = batches(renamed, [*old, *new], apart=False)
    assert [len(batch.files) for batch in found] == [3, 3]
    rows = pl.concat(pl.collect_all([batch.rows for batch in found]))
    assert sorted(rows["id"]) == [1, 1, 1, 2, 2, 2]
