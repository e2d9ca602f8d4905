"""Only what lies beneath an allowed prefix can be named, in one spelling, and no link leads out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.export_places import (
    NotAllowed,
    Place,
    Places,
    fingerprint,
    opened,
    parse,
    prefixes_of,
)

PLACES = Places(prefixes_of("/srv/exports, s3://bucket/ga4/", Path("/unused")))


@pytest.mark.parametrize(
    ("uri", "spelled"),
    [
        ("file:///srv/exports/a.parquet", "file:///srv/exports/a.parquet"),
        ("/srv/exports/a/b c/ü.parquet", "file:///srv/exports/a/b c/ü.parquet"),
        ("s3://bucket/ga4/day=1/a.parquet", "s3://bucket/ga4/day=1/a.parquet"),
    ],
)
def test_a_place_beneath_a_prefix(uri: str, spelled: str) -> None:
    assert PLACES.place(uri).uri == spelled


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "srv/exports/a",
        "/srv/exports",
        "/srv/exports/",
        "/srv/exportsx/a",
        "/srv/exports/../a",
        "/srv/exports/./a",
        "/srv/exports//a",
        "/srv/exports/%2e%2e/a",
        "/srv/exports/a?b",
        "/srv/exports/a#b",
        "/srv/exports/a\\b",
        "/srv/exports/a\x00b",
        "/srv/exports/a\nb",
        "file://host/srv/exports/a",
        "FILE:///srv/exports/a",
        "s3://bucket/other/a",
        "s3://bucket/ga4",
        "s3://Bucket/ga4/a",
        "s3://user@bucket/ga4/a",
        "s3://bucket:80/ga4/a",
        "s3a://bucket/ga4/a",
        "http://bucket/ga4/a",
        "/srv/exports/" + "a" * 1024,
    ],
)
def test_anything_else_is_refused(uri: str) -> None:
    with pytest.raises(NotAllowed):
        PLACES.place(uri)


@given(st.text(alphabet="./%\\a3:s?ü ", max_size=30))
def test_whatever_is_allowed_stays_beneath(text: str) -> None:
    uri = f"/srv/exports/{text}"
    try:
        place = PLACES.place(uri)
    except NotAllowed:
        return
    path = "/" + place.key
    assert os.path.normpath(path) == path
    assert path.startswith("/srv/exports/")


@pytest.mark.parametrize("setting", ["relative/dir", "/", "s3://", "https://host/x", "/a/../b"])
def test_a_prefix_must_be_one(setting: str) -> None:
    with pytest.raises(ValueError, match="prefix of exports"):
        prefixes_of(setting, Path("/unused"))


def test_without_a_setting_the_default_counts() -> None:
    assert [str(each) for each in prefixes_of(" , ", Path("/data/exports"))] == [
        "file:///data/exports/"
    ]


def test_a_prefix_holds_itself_and_what_is_beneath() -> None:
    assert parse("/a/b").holds(parse("/a/b/c"))
    assert parse("/a/b").holds(parse("/a/b"))
    assert not parse("/a/b").holds(parse("/a/bc"))


class TestOpened:
    def place(self, root: Path, *beneath: str) -> Place:
        return Places(prefixes_of(str(root), root)).place(f"{root}/{'/'.join(beneath)}")

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "f").write_bytes(b"hello")
        with opened(self.place(tmp_path, "d", "f")) as descriptor:
            assert os.read(descriptor, 9) == b"hello"
            assert fingerprint(os.fstat(descriptor)).startswith("5-")

    def test_no_link_is_followed_and_nothing_but_files_is_opened(self, tmp_path: Path) -> None:
        root = tmp_path / "root"
        root.mkdir()
        (tmp_path / "secret").write_bytes(b"secret")
        (root / "file").write_bytes(b"")
        (root / "link").symlink_to(tmp_path / "secret")
        (root / "links").symlink_to(tmp_path)
        (root / "dir").mkdir()
        os.mkfifo(root / "pipe")
        for beneath in (("link",), ("links", "secret"), ("dir",), ("pipe",), ("file", "x")):
            with pytest.raises(NotAllowed), opened(self.place(root, *beneath)):
                pass
        with pytest.raises(FileNotFoundError), opened(self.place(root, "nothing")):
            pass

    def test_no_descriptor_is_left_open(self, tmp_path: Path) -> None:
        before = len([*Path("/proc/self/fd").iterdir()])
        for _ in range(3):
            with pytest.raises(FileNotFoundError), opened(self.place(tmp_path, "a", "b")):
                pass
        assert len([*Path("/proc/self/fd").iterdir()]) == before
