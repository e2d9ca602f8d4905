"""Directories of instances and their locks."""

import stat
from pathlib import Path

from services.ingest.spool.claim import claim_first, claim_orphans


def a_segment(directory: Path) -> None:
    stream = directory / "shopify" / "shopify.orders"
    stream.mkdir(parents=True)
    (stream / "000000000001.segment").write_bytes(b"x")


def test_each_instance_has_its_own_and_takes_up_the_first_free(tmp_path: Path) -> None:
    first, second = claim_first(tmp_path), claim_first(tmp_path)
    assert [first.directory.name, second.directory.name] == ["0000", "0001"]
    assert stat.S_IMODE(first.directory.stat().st_mode) == 0o700
    first.release()
    assert claim_first(tmp_path).directory == first.directory


def test_orphans_with_entries_are_taken_over_by_one_only(tmp_path: Path) -> None:
    empty, full, alive = (claim_first(tmp_path) for _ in range(3))
    a_segment(full.directory)
    a_segment(alive.directory)
    empty.release()
    full.release()
    [taken] = claim_orphans(tmp_path)
    assert taken.directory == full.directory
    assert list(claim_orphans(tmp_path)) == []


def test_other_files_in_the_root_are_no_directories_of_instances(tmp_path: Path) -> None:
    a_segment(tmp_path / "backup")
    assert list(claim_orphans(tmp_path)) == []
