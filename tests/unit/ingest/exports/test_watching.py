"""What is found under a watched prefix, and when it is complete."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.ingest.config import IngestSettings
from services.ingest.exports.listing import listed
from services.ingest.exports.taking import watched
from services.ingest.exports.watching import Announced, Settling
from shared.contracts.exports import ExportReady
from shared.runtime.errors import ConfigurationError
from shared.runtime.export_places import parse
from tests.support.exports import ready


def look(root: Path) -> dict[str, str]:
    return asyncio.run(listed(parse(str(root)), IngestSettings()))


def found(root: Path) -> list[str]:
    told = look(root)
    return sorted(uri.removeprefix(f"file://{root}/") for uri in told)


def test_parquet_files_are_found_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "day=1").mkdir()
    for name in ("a.parquet", "day=1/b.parquet"):
        (tmp_path / name).write_bytes(b"")
    assert found(tmp_path) == ["a.parquet", "day=1/b.parquet"]


def test_what_is_being_written_hidden_linked_or_no_file_is_passed_over(
    tmp_path: Path,
) -> None:
    for directory in (".hidden", "_temporary", "odd.parquet"):
        (tmp_path / directory).mkdir()
    for name in (
        ".a.parquet",
        "a.parquet.tmp",
        "a.csv",
        ".hidden/a.parquet",
        "_temporary/a.parquet",
        "per%20cent.parquet",
    ):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "target").write_bytes(b"")
    (tmp_path / "link.parquet").symlink_to(tmp_path / "target")
    (tmp_path / "links").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.parquet")
    assert found(tmp_path) == []


def test_another_version_has_another_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"one")
    before = look(tmp_path)
    path.write_bytes(b"longer")
    assert look(tmp_path) != before


def test_a_file_has_settled_when_two_looks_find_it_alike() -> None:
    looks = Settling()
    assert looks.settled({"a": "1", "b": "1"}) == {}
    assert looks.settled({"a": "1", "b": "2", "c": "1"}) == {"a": "1"}
    assert looks.settled({"b": "2", "c": "1"}) == {"b": "2", "c": "1"}
    assert looks.settled({}) == {}


def test_what_was_announced_is_learnt_from_the_topic() -> None:
    announced = Announced()
    told = ready("file:///srv/a.parquet", fingerprint="1")
    announced.on_record(SimpleNamespace(value=told.encode()[1]))
    announced.on_record(SimpleNamespace(value=b"no json"))
    announced.on_record(SimpleNamespace(value=None))
    assert announced.knows("file:///srv/a.parquet", "1")
    assert not announced.knows("file:///srv/a.parquet", "2")


def test_memory_of_what_was_announced_is_bounded() -> None:
    announced = Announced(most=2)
    for uri in ("a", "b", "a", "c"):
        announced.note(uri, "1")
    assert [announced.knows(uri, "1") for uri in ("a", "b", "c")] == [True, False, True]


def test_the_same_version_announced_twice_has_one_id() -> None:
    first, again = ready("file:///srv/a"), ready("file:///srv/a", noticed="watch")
    assert isinstance(first, ExportReady)
    assert first.event_id() == again.event_id()
    assert first.event_id() != ready("file:///srv/a", fingerprint="2").event_id()


@pytest.mark.parametrize("prefix", ["/elsewhere", "relative", "s3://bucket/x", "/srv/exports/../x"])
def test_only_what_is_allowed_can_be_watched(prefix: str) -> None:
    settings = IngestSettings(export_prefixes="/srv/exports", ingest_ga4_watch_urls=prefix)
    with pytest.raises(ConfigurationError, match="BERGLINE_INGEST_GA4_WATCH_URLS"):
        watched("ga4", settings)


def test_nothing_is_watched_unless_it_is_said() -> None:
    assert watched("ga4", IngestSettings()) == []
    several = IngestSettings(
        export_prefixes="/srv/exports,s3://bucket/ga4",
        ingest_ga4_watch_urls="/srv/exports/in, s3://bucket/ga4",
    )
    assert [str(each) for each in watched("ga4", several)] == [
        "file:///srv/exports/in/",
        "s3://bucket/ga4/",
    ]
