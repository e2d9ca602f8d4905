"""A source of one's own from an installed wheel: written, checked, tested, loaded; no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wheel import unpack


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel's files are; what it depends on is where it always is."""
    return unpack(tmp_path_factory.mktemp("site"))


class Shell:
    """A directory of somebody who has the wheel only."""

    def __init__(self, installed: Path, directory: Path) -> None:
        self.directory = directory
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("BERGLINE_")},
            "PYTHONPATH": str(installed),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", *arguments],
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def bergline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("shared.cli", *arguments)


@pytest.fixture
def shell(installed: Path, tmp_path: Path) -> Shell:
    return Shell(installed, tmp_path)


def test_a_new_source_works_as_it_is(shell: Shell) -> None:
    written = shell.bergline("new", "source", "acme", "--title", "Acme", "--output", "json")
    assert (written.returncode, written.stderr) == (0, "")
    assert json.loads(written.stdout)["secrets"] == "BERGLINE_INGEST_ACME_SECRETS"
    checked = shell.bergline("check", "--output", "json")
    assert (checked.returncode, checked.stderr) == (0, "")
    [acme] = [one for one in json.loads(checked.stdout)["sources"] if one["source"] == "acme"]
    assert acme == {
        "source": "acme",
        "endpoints": ["/webhooks/acme/events"],
        "topics": ["acme.events"],
        "tables": ["raw.acme_events"],
        "examples": 1,
        "wrong": [],
    }
    tested = shell.run("pytest", "-q", "-p", "no:cacheprovider", "bergline_project")
    assert tested.returncode == 0, tested.stdout


def test_what_is_wrong_stops_every_process_with_file_and_line(shell: Shell) -> None:
    shell.bergline("new", "source", "acme")
    path = shell.directory / "bergline_project/sources/acme/source.py"
    path.write_text(path.read_text().replace('"acme.events"', '"shopify.orders"'))
    lines = path.read_text().splitlines()
    number = 1 + lines.index('TOPIC = "shopify.orders"')
    for ended in (
        shell.bergline("check"),
        shell.bergline("tables", "list"),
        shell.run("services.ingest"),
        shell.run("services.stream_writer"),
    ):
        assert ended.returncode == 2
        said = "".join(ended.stderr.split())
        assert f"{path}:{number}:topic'shopify.orders'ofsourceacme" in said
        assert "Traceback" not in ended.stderr


def test_an_example_that_is_not_what_it_says_is_told(shell: Shell) -> None:
    shell.bergline("new", "source", "acme")
    path = shell.directory / "bergline_project/sources/acme/source.py"
    text = path.read_text()
    path.write_text(text.replace('key="42"', 'key="43"').replace("TIMESTAMP", "LONG"))
    ended = shell.bergline("check", "acme", "--output", "json")
    assert ended.returncode == 6
    [acme] = json.loads(ended.stdout)["sources"]
    assert acme["wrong"] == [
        "event: key is '42', expected '43'",
        "event: record of acme.events: the values of timestamp do not fit the columns of "
        "raw.acme_events",
    ]


def test_a_name_that_is_taken_is_refused(shell: Shell) -> None:
    assert shell.bergline("new", "source", "stripe").returncode == 2
    assert shell.bergline("new", "source", "acme").returncode == 0
    assert shell.bergline("new", "source", "acme").returncode == 2
    assert shell.bergline("check", "nobody").returncode == 4
