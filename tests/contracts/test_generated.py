"""What is generated is committed and up to date, and the command says what is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.reference.generate import DOCUMENTS, ROOT, SCHEMAS, check, stale, write
from shared.runtime.errors import CheckFailed, Refused


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty checkout with everything generated."""
    (tmp_path / "pyproject.toml").touch()
    write(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_committed_files_are_what_the_declarations_say(name: str) -> None:
    committed = ROOT / name
    assert committed.is_file(), "run `bergline documents`"
    assert committed.read_text(encoding="utf-8") == DOCUMENTS[name](), "run `bergline documents`"


def test_no_schema_is_left_of_a_removed_event_type() -> None:
    assert stale(ROOT) == []


def test_rendering_twice_gives_the_same_text() -> None:
    for name, render in DOCUMENTS.items():
        assert render() == render(), name


def test_writing_again_touches_nothing(checkout: Path) -> None:
    assert write(checkout) == []
    check(checkout)


def test_each_stale_file_is_named_with_the_command(checkout: Path) -> None:
    edited = checkout / "deploy/reference/topics.md"
    edited.write_text("edited by hand")
    (checkout / ".env.example").unlink()
    leftover = checkout / SCHEMAS / "lakehouse.table.dropped.v1.schema.json"
    leftover.write_text("{}")
    with pytest.raises(CheckFailed) as failed:
        check(checkout)
    for name in (edited, checkout / ".env.example", leftover):
        assert str(name.relative_to(checkout)) in failed.value.what
    assert "bergline documents" in failed.value.next_step
    assert set(write(checkout)) == {edited, checkout / ".env.example", leftover}
    assert not leftover.exists()
    check(checkout)


def test_nothing_is_written_outside_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not a checkout"):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_ends_with_the_code_of_the_check() -> None:
    command = [sys.executable, "-m", "shared.cli", "documents", "--check"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_machine_and_no_secret_is_in_a_generated_file(name: str) -> None:
    text = DOCUMENTS[name]()
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
    assert "SecretStr" not in text


def test_the_example_environment_sets_nothing() -> None:
    """Copied as it is, it must change nothing: every line is a comment."""
    lines = DOCUMENTS[".env.example"]().splitlines()
    assert all(not line or line.startswith("#") for line in lines)
