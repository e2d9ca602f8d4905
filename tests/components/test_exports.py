"""Exports on a running platform: named, watched, loaded once, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow.fs import S3FileSystem

from shared.lake.recorded import recorded
from tests.support.exports import TOPIC, VECTOR, event, write
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import rows as rows_of
from tests.support.platform_tables import state
from tests.support.transformer import until
from tests.support.warm_bergline import bergline

TABLE = "raw.ga4_events"
BUCKET = "analytics-exports"
BUCKET_PREFIX = f"{BUCKET}/ga4"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    directory: Path = tmp_path_factory.mktemp("exports")
    exports = directory / "data" / "exports"
    embedded = EmbeddedPlatform(
        directory,
        replicas={"transformer": 0, "maintainer": 0, "alerter": 0},
        environment={
            "BERGLINE_STREAM_WRITER_MAX_AGE_S": "0.1",
            "BERGLINE_EXPORT_PREFIXES": f"{exports},s3://{BUCKET_PREFIX}",
            "BERGLINE_INGEST_GA4_WATCH_URLS": f"{exports}/watched, s3://{BUCKET_PREFIX}/watched/",
            "BERGLINE_INGEST_EXPORT_WATCH_INTERVAL_S": "0.5",
        },
    )
    (exports / "watched").mkdir(parents=True)
    embedded.layout.format_file.write_text("1\n")
    try:
        embedded.start()
        store(embedded).create_dir(BUCKET)
        yield embedded
    finally:
        embedded.close()


@pytest.fixture
def exports(platform: EmbeddedPlatform) -> Path:
    return platform.layout.exports


def named(platform: EmbeddedPlatform, body: object, token: str | None = "") -> tuple[int, Any]:
    """Status and answer of a request that names a file."""
    if token == "":
        token = platform.connection["BERGLINE_INGEST_GA4_SECRETS"]
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{platform.url()}/ingest/ga4/exports"
    request = urllib.request.Request(url, data, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def rows(platform: EmbeddedPlatform) -> list[dict[str, Any]]:
    """Ids, files and errors of the table."""
    return rows_of(platform, TABLE, ("_raw_id", "_source_file", "_error", "_offset")).to_dicts()


def ids(platform: EmbeddedPlatform, part: str) -> list[str]:
    """Ids of the rows from files whose URI has this in it."""
    return sorted(row["_raw_id"] for row in rows(platform) if part in (row["_source_file"] or ""))


def consumed(platform: EmbeddedPlatform) -> int:
    """How many announcements the table has consumed."""
    positions = recorded(state(platform, TABLE)).positions
    return 0 if positions is None else positions.next_offset(TOPIC, 0) or 0


def store(platform: EmbeddedPlatform) -> S3FileSystem:
    settings = platform.settings
    secret = settings.s3_secret_key
    assert secret is not None
    return S3FileSystem(
        access_key=settings.s3_access_key,
        secret_key=secret.get_secret_value(),
        endpoint_override=settings.s3_endpoint,
        region=settings.s3_region,
        allow_bucket_creation=True,
    )


def put(platform: EmbeddedPlatform, key: str, path: Path) -> str:
    """Store a file as an object; its URI."""
    with store(platform).open_output_stream(f"{BUCKET_PREFIX}/{key}") as stream:
        stream.write(path.read_bytes())
    return f"s3://{BUCKET_PREFIX}/{key}"


def desk(platform: EmbeddedPlatform, *arguments: str) -> subprocess.CompletedProcess[str]:
    return bergline(arguments, {**os.environ, **platform.variables})


def balanced(platform: EmbeddedPlatform) -> bool:
    told = desk(platform, "counts", TABLE, "--output", "json")
    found: bool = json.loads(told.stdout)["balanced"]
    return found


class TestNamed:
    def test_the_command_loads_a_file_from_anywhere_and_again_without_a_row(
        self, platform: EmbeddedPlatform, tmp_path: Path
    ) -> None:
        write(tmp_path / "events.parquet", [event(), event(1), event(1), event(2, client_id=None)])
        load = ("ga4", "load", str(tmp_path / "events.parquet"), "--output", "json")
        said = [desk(platform, *load) for _ in range(2)]
        first, again = (json.loads(each.stdout) for each in said)
        assert first["copied"]
        assert VECTOR in ids(platform, first["uri"])
        told = {name: first["loaded"][name] for name in ("rows", "inserted", "repeated", "bad")}
        assert told == {"rows": 4, "inserted": 3, "repeated": 1, "bad": 1}
        assert (again["loaded"]["inserted"], again["loaded"]["present"]) == (0, 3)
        assert len(ids(platform, first["uri"])) == 3
        assert balanced(platform)

    def test_an_object_of_the_store(self, platform: EmbeddedPlatform, tmp_path: Path) -> None:
        path = write(tmp_path / "a.parquet", [event(n, client_id="s3") for n in range(10)])
        uri = put(platform, "named/a.parquet", path)
        status, answer = named(platform, {"uri": uri})
        assert (status, answer["status"], answer["uri"]) == (202, "accepted", uri)
        until(lambda: len(ids(platform, uri)) == 10, "the object's rows")

    def test_a_refused_file_is_a_row_and_a_dead_letter_and_the_command_says_so(
        self, platform: EmbeddedPlatform, tmp_path: Path
    ) -> None:
        path = tmp_path / "few columns.parquet"
        write(path, [event()])
        pq.write_table(pq.read_table(path).select(["client_id", "event_name"]), path)
        said = desk(platform, "ga4", "load", str(path))
        assert said.returncode == 6
        assert "missing_columns" in said.stderr
        row = next(row for row in rows(platform) if row["_error"] == "missing_columns")
        assert row["_raw_id"] is None
        letters = desk(
            platform, "topics", "tail", "dlq.ingestion-errors", "--output", "json"
        ).stdout
        assert "missing_columns" in letters


class TestRefused:
    @pytest.mark.parametrize("token", [None, "x" * 32, "", " "], ids=repr)
    def test_without_the_token_nothing_is_looked_at(
        self, platform: EmbeddedPlatform, exports: Path, token: str | None
    ) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"{platform.url()}/ingest/ga4/exports"
        body = json.dumps({"uri": f"file://{exports}/nothing"}).encode()
        request = urllib.request.Request(url, body, headers, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        refused.value.close()
        assert refused.value.code == 401
        assert refused.value.headers["Content-Type"] == "application/problem+json"
        assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"{}", b'{"uri":1}', b'{"uri":"file:///a","more":1}', b"\xff"],
        ids=repr,
    )
    def test_a_body_that_names_no_file(self, platform: EmbeddedPlatform, body: bytes) -> None:
        assert named(platform, body)[0] == 400

    def test_what_is_not_beneath_an_allowed_prefix(
        self, platform: EmbeddedPlatform, exports: Path, tmp_path: Path
    ) -> None:
        outside = write(tmp_path / "x.parquet", [event()])
        (exports / "link.parquet").symlink_to(outside)
        (exports / "links").symlink_to(tmp_path)
        for uri in (
            outside.as_uri(),
            f"file://{exports}/../secrets.json",
            f"file://{exports}/%2e%2e/secrets.json",
            f"file://{exports}/link.parquet",
            f"file://{exports}/links/x.parquet",
            f"file://localhost{exports}/x.parquet",
            f"file://{exports}",
            "s3://warehouse/raw/x.parquet",
            f"s3://{BUCKET_PREFIX}x/x.parquet",
            f"s3://{BUCKET_PREFIX}/../x.parquet",
            "http://127.0.0.1:9000/x.parquet",
            "https://example.com/x.parquet",
            "/etc/passwd",
            "file:///" + "a" * 2000,
        ):
            status, answer = named(platform, {"uri": uri})
            assert (status, answer["type"]) == (403, "/docs#export-not-allowed"), uri

    def test_what_is_not_there_or_not_whole(
        self, platform: EmbeddedPlatform, exports: Path, tmp_path: Path
    ) -> None:
        whole = write(tmp_path / "x.parquet", [event()]).read_bytes()
        (exports / "half.parquet").write_bytes(whole[:-2])
        (tmp_path / "half.parquet").write_bytes(whole[:-2])
        for uri, kind in (
            (f"file://{exports}/nothing.parquet", "export-not-found"),
            (f"file://{exports}/half.parquet", "export-not-parquet"),
            (f"s3://{BUCKET_PREFIX}/nothing.parquet", "export-not-found"),
            (put(platform, "half", tmp_path / "half.parquet"), "export-not-parquet"),
        ):
            status, answer = named(platform, {"uri": uri})
            assert (status, answer["type"]) == (422, f"/docs#{kind}"), uri


class TestWatched:
    def test_a_file_is_announced_once_when_it_is_complete(
        self, platform: EmbeddedPlatform, exports: Path, tmp_path: Path
    ) -> None:
        before = consumed(platform)
        content = write(tmp_path / "w.parquet", [event(client_id="watched")]).read_bytes()
        for ignored in (".w.parquet", "w.parquet.tmp", "_w.parquet", "w.csv"):
            (exports / "watched" / ignored).write_bytes(content)
        (exports / "watched" / ".w.parquet").rename(exports / "watched" / "w.parquet")
        put(platform, "watched/o.parquet", write(tmp_path / "o.parquet", [event(client_id="o")]))
        until(lambda: ids(platform, "/watched/w.parquet"), "the watched file")
        until(lambda: ids(platform, "/watched/o.parquet"), "the watched object")
        # Another ingest learns from the topic what was announced.
        platform.wait_replaced("ingest", old=platform.kill("ingest"))
        write(exports / "watched" / "after.parquet", [event(client_id="after")])
        until(lambda: ids(platform, "/watched/after.parquet"), "a file after the restart")
        assert consumed(platform) == before + 3


class TestKilled:
    @pytest.mark.timeout(400)
    def test_killed_at_any_moment_every_row_is_there_once(
        self, platform: EmbeddedPlatform, exports: Path
    ) -> None:
        files = [
            write(
                exports / "killed" / f"{number}.parquet",
                [event(n, client_id="killed") for n in range(number * 1000, number * 1000 + 3000)],
                rows_of_a_group=1000,
            )
            for number in range(4)
        ]
        before = consumed(platform)
        for path in (*files, files[0]):
            assert named(platform, {"uri": path.as_uri()})[0] == 202
        for landed in (0, 2):
            reached = before + landed
            until(partial(lambda least: consumed(platform) >= least, reached), "a file")
            platform.wait_replaced("stream_writer", old=platform.kill("stream_writer"))
        until(lambda: consumed(platform) == before + 5, "all files")
        found = ids(platform, "/killed/")
        assert len(found) == len(set(found)) == 6_000
        assert balanced(platform)
