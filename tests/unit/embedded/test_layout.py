"""The data directory: ours, private, of one supervisor, of one format."""

from pathlib import Path

import pytest

from deploy.embedded.layout import FORMAT, Layout, write_private
from shared.runtime.errors import ConfigurationError, Refused


def test_a_directory_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigurationError, match="not a data directory"):
        Layout(tmp_path).prepare()
    with pytest.raises(Refused):
        Layout(tmp_path).remove()
    assert (tmp_path / "thesis.tex").exists()


def test_what_ingest_spooled_before_there_was_a_platform_is_kept(tmp_path: Path) -> None:
    (tmp_path / "data" / "spool" / "_" / "0000").mkdir(parents=True)
    where = Layout(tmp_path / "data")
    where.prepare()
    assert where.format_file.exists()
    assert (where.root / "spool" / "_" / "0000").is_dir()


def test_another_format_is_refused(tmp_path: Path) -> None:
    where = Layout(tmp_path / "data")
    where.prepare()
    where.format_file.write_text("999\n")
    with pytest.raises(ConfigurationError, match=f"format '999'.*{FORMAT}"):
        where.prepare()


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    where = Layout(tmp_path / "data")
    where.prepare()
    where.prepare()
    assert where.format_file.read_text().strip() == FORMAT


def test_a_second_owner_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    where = Layout(tmp_path / "data")
    where.prepare()
    with where.lock(), pytest.raises(Refused, match=r"runs on .* already"):
        where.lock()
    where.lock().close()


def test_a_private_file_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "old")
    with path.open() as reader:
        write_private(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
