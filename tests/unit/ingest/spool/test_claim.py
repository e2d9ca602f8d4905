"""Directories of instances and their locks."""

import os
import stat
import time
from pathlib import Path

import pytest

from services.ingest.spool import claim
from services.ingest.spool.claim import (
    LOCK,
    ORPHANED_AFTER_S,
    SPARE,
    Claim,
    alive_at,
    claim_orphans,
    claim_own,
    is_owned,
)
from services.ingest.spool.frames import Entry, encode_entry, encode_frame
from services.ingest.spool.held import open_orphans
from services.ingest.spool.store import Group, Store, StreamKey
from services.ingest.spool.survey import CURSOR

KEY = StreamKey("stripe", "stripe.charges")
ENTRY = encode_frame(0, encode_entry(Entry(b"k", b"v", [], 1)))


def a_segment(directory: Path) -> None:
    stream = directory / "shopify" / "shopify.orders"
    stream.mkdir(parents=True)
    (stream / "000000000001.segment").write_bytes(b"x")


def test_each_instance_has_its_own_and_takes_up_the_first_free(tmp_path: Path) -> None:
    first, second = claim_own(tmp_path), claim_own(tmp_path)
    assert [first.directory.name, second.directory.name] == ["0000", "0001"]
    assert stat.S_IMODE(first.directory.stat().st_mode) == 0o700
    first.release()
    assert claim_own(tmp_path).directory == first.directory


def test_an_instance_that_has_a_number_finds_its_own_again(tmp_path: Path) -> None:
    """Also when others with lower numbers are free at that moment."""
    first, second = claim_own(tmp_path, 0), claim_own(tmp_path, 1)
    first.release()
    second.release()
    assert claim_own(tmp_path, 1).directory == second.directory


def test_while_another_holds_its_own_it_takes_one_that_is_nobodys(tmp_path: Path) -> None:
    adopted = claim_own(tmp_path, 0)
    claimed = claim_own(tmp_path, 0)
    assert claimed.directory.name == f"{SPARE}", "not 0001, which is a sibling's"
    adopted.release()
    claimed.release()
    assert claim_own(tmp_path, 0).directory == adopted.directory


def test_orphans_with_entries_are_taken_over_by_one_only(tmp_path: Path) -> None:
    empty, full, alive = (claim_own(tmp_path) for _ in range(3))
    a_segment(full.directory)
    a_segment(alive.directory)
    empty.release()
    full.release()
    for each in (empty, full, alive):
        long_ago(each)
    assert not is_owned(full.directory)
    [taken] = claim_orphans(tmp_path)
    assert taken.directory == full.directory
    assert is_owned(full.directory)
    long_ago(taken)
    assert list(claim_orphans(tmp_path)) == []


def test_an_owner_that_starts_again_soon_finds_its_directory(tmp_path: Path) -> None:
    owner = claim_own(tmp_path)
    a_segment(owner.directory)
    long_ago(owner)
    owner.touch()
    owner.release()
    assert list(claim_orphans(tmp_path)) == []
    assert time.time() - alive_at(owner.directory) < ORPHANED_AFTER_S


def test_a_directory_that_somebody_put_there_has_no_owner(tmp_path: Path) -> None:
    """As one from another machine's volume."""
    a_segment(tmp_path / "0007")
    [taken] = claim_orphans(tmp_path)
    assert taken.directory.name == "0007"


def test_other_files_in_the_root_are_no_directories_of_instances(tmp_path: Path) -> None:
    a_segment(tmp_path / "backup")
    assert list(claim_orphans(tmp_path)) == []


def test_a_directory_that_cannot_be_read_does_not_keep_others_from_being_taken_over(
    tmp_path: Path,
) -> None:
    broken, whole = claim_own(tmp_path), claim_own(tmp_path)
    a_segment(broken.directory)
    (broken.directory / "shopify" / "shopify.orders" / CURSOR).mkdir()
    a_segment(whole.directory)
    for each in (broken, whole):
        each.release()
        long_ago(each)
    [taken] = open_orphans(tmp_path, ORPHANED_AFTER_S, 1000)
    assert taken.store.directory == whole.directory
    assert not is_owned(broken.directory)


def long_ago(claim: Claim) -> None:
    """Nobody has been alive there for a while."""
    then = time.time() - ORPHANED_AFTER_S - 1
    os.utime(claim.directory / LOCK, (then, then))


def test_one_directory_that_cannot_be_claimed_loses_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim that nobody knows of would keep everybody out until the process ends."""
    for number in range(3):
        store = Store(claim_own(tmp_path, number), 10_000)
        assert store.append({KEY: Group([ENTRY], 1)}) == {}
        store.close()
    with monkeypatch.context() as meanwhile:
        claimed = claim._claim

        def refuse(directory: Path) -> Claim | None:
            if directory.name == "0001":
                raise OSError("out of descriptors")
            return claimed(directory)

        meanwhile.setattr(claim, "_claim", refuse)
        found = open_orphans(tmp_path, 0, 10_000)
    assert [held.store.directory.name for held in found] == ["0000", "0002"]
    assert [held.store.directory.name for held in open_orphans(tmp_path, 0, 10_000)] == ["0001"]
