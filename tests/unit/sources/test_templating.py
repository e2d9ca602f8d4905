"""A new source is written whole or not at all, and nothing that exists is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.runtime.errors import ConfigurationError
from shared.sources.templating import write_source


def test_a_source_and_its_test_are_written(tmp_path: Path) -> None:
    written = write_source(tmp_path, "acme", "Acme, Inc.")
    assert written == [
        tmp_path / "sources/acme/source.py",
        tmp_path / "sources/acme/test_acme.py",
    ]
    for path in written:
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec")
        assert "Acme, Inc." in text
        assert "$" not in text
        assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", ["", "Acme", "a-b", "1st", "a__b", "dlq", "lakehouse", "x" * 33])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a source's name"):
        write_source(tmp_path, name, "Acme")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("title", ['a"b', "a\\b", "a$b", "a\nb"])
def test_a_title_that_would_break_the_text_is_refused(tmp_path: Path, title: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a source's title"):
        write_source(tmp_path, "acme", title)


def test_what_is_there_stays(tmp_path: Path) -> None:
    [path, _] = write_source(tmp_path, "acme", "Acme")
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        write_source(tmp_path, "acme", "Acme")
    assert path.read_text() == "mine"


def test_nothing_is_left_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="no space"):
        write_source(tmp_path, "acme", "Acme")
    assert list((tmp_path / "sources").iterdir()) == []
