"""Small files are fetched once, and what was just written is not fetched at all."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

from shared.lake.data_files import write_rows
from shared.lake.reading.small_files import FETCHES, SMALL_BYTES, contents, written
from tests.support.derived_lake import DerivedLake, rows_of


class Store:
    """What is asked of it, in order; every file holds its own path."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def new_input(self, path: str) -> Store:
        self.asked.append(path)
        return self

    def open(self, *, seekable: bool) -> Store:
        return self

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def read(self) -> bytes:
        return b"content"


def files(tmp_path: Path, count: int, size: int = 10) -> list[DataFile]:
    """Paths are of this test alone: the cache is the process's."""
    return [
        DataFile.from_args(file_path=f"s3://{tmp_path}/{number}", file_size_in_bytes=size)
        for number in range(count)
    ]


def ask(store: Store, chosen: list[DataFile]) -> dict[str, bytes]:
    return contents(cast("FileIO", store), chosen)


@pytest.mark.parametrize("count", [1, FETCHES])
def test_a_few_small_files_are_fetched_once(tmp_path: Path, count: int) -> None:
    store, chosen = Store(), files(tmp_path, count)
    paths = {each.file_path for each in chosen}
    assert ask(store, chosen) == dict.fromkeys(paths, b"content")
    assert ask(store, chosen) == dict.fromkeys(paths, b"content")
    assert sorted(store.asked) == sorted(paths)


def test_many_are_left_to_a_scan_but_for_those_that_are_kept(tmp_path: Path) -> None:
    store, chosen = Store(), files(tmp_path, FETCHES + 2)
    written(chosen[0].file_path, b"kept")
    assert ask(store, chosen) == {chosen[0].file_path: b"kept"}
    assert store.asked == []


def test_large_files_are_left_to_a_scan(tmp_path: Path) -> None:
    store, (large,) = Store(), files(tmp_path, 1, SMALL_BYTES + 1)
    written(large.file_path, b"x" * (SMALL_BYTES + 1))
    assert ask(store, [large]) == {}


def test_a_file_that_was_written_here_is_kept_as_it_is(tmp_path: Path) -> None:
    lake, store = DerivedLake(tmp_path), Store()
    (file,) = write_rows(lake.table, lake.spec, rows_of({3: 1, 6: 1}), target_bytes=1 << 20)
    (content,) = ask(store, [file]).values()
    assert content == Path(file.file_path.removeprefix("file://")).read_bytes()
    assert store.asked == []
