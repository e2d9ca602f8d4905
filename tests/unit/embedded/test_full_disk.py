"""A storage that met a full disk is started again, once, and only when there is room."""

import sys
from pathlib import Path

from deploy.embedded.full_disk import MESSAGE, FullDiskWatch

REFUSED = b"E1124 filer.go:301 insert entry: write filerldb2/04/000003.log: " + MESSAGE + b"\n"
NO_ROOM = sys.maxsize


def said(log: Path, text: bytes) -> None:
    with log.open("ab") as file:
        file.write(text)


def test_a_storage_that_met_a_full_disk_is_beyond_repair_when_there_is_room(tmp_path: Path) -> None:
    log = tmp_path / "storage.log"
    watch = FullDiskWatch(log, tmp_path, room_bytes=0)
    said(log, b"I1124 started\n")
    assert watch() is None
    said(log, REFUSED)
    assert str(tmp_path) in (watch() or "")


def test_while_the_disk_is_full_it_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "storage.log"
    watch = FullDiskWatch(log, tmp_path, room_bytes=NO_ROOM)
    said(log, REFUSED)
    assert watch() is None
    said(log, b"I1124 something else\n" * 3)
    watch._room = 0
    assert watch() is not None, "what was met is remembered until there is room"


def test_what_an_earlier_process_met_says_nothing_about_its_successor(tmp_path: Path) -> None:
    log = tmp_path / "storage.log"
    said(log, REFUSED)
    watch = FullDiskWatch(log, tmp_path, room_bytes=0)
    assert watch() is None
    said(log, b"I1124 started\n")
    assert watch() is None


def test_a_message_in_two_writes_is_found(tmp_path: Path) -> None:
    log = tmp_path / "storage.log"
    watch = FullDiskWatch(log, tmp_path, room_bytes=0)
    said(log, REFUSED[:-8])
    assert watch() is None
    said(log, REFUSED[-8:])
    assert watch() is not None


def test_a_log_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "storage.log"
    said(log, b"I1124 much\n" * 100)
    watch = FullDiskWatch(log, tmp_path, room_bytes=0)
    log.write_bytes(REFUSED)
    assert watch() is not None


def test_a_log_that_does_not_exist_yet_is_no_reason(tmp_path: Path) -> None:
    assert FullDiskWatch(tmp_path / "storage.log", tmp_path, room_bytes=0)() is None
