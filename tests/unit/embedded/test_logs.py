"""Logs: bounded, and readable from their end."""

from pathlib import Path

from deploy.embedded.logs import rotate, tail


def test_the_last_lines_are_told(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("one\ntwo\nthree\n")
    assert tail(log, 2) == ["two", "three"]
    assert tail(log, 0) == []


def test_a_log_that_does_not_exist_has_no_lines(tmp_path: Path) -> None:
    assert tail(tmp_path / "none.log", 5) == []
    assert not rotate(tmp_path / "none.log")


def test_a_huge_log_is_read_from_its_end_only(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("x" * 1_000_000 + "\nlast\n")
    assert tail(log, 10) == ["last"]


def test_a_writer_goes_on_in_the_emptied_file(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 10)
        assert not rotate(log, limit=40)
        assert rotate(log, limit=39)
        writer.write(b"new\n")
    assert log.read_text() == "new\n"
    assert (tmp_path / "a.log.1").read_text() == "old\n" * 10
