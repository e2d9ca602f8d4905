"""A newcomer's way: the README's commands for a source of one's own, with a wheel, no checkout.

The commands are taken from the document as they stand there, block by block.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.services import replicas_of
from tests.support.source_code import ROOT
from tests.support.wheel import environment, install
from tests.support.worker_ports import platform_ports

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LIMIT_SECONDS = 400.0
ROW_WITHIN_SECONDS = 60.0


def blocks(heading: str) -> list[str]:
    """The shell commands below a heading of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    [section] = re.findall(rf"^### {heading}$(.*?)^##", text, re.DOTALL | re.MULTILINE)
    found: list[str] = re.findall(r"^```bash\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return found


class Newcomer:
    """Somebody at a shell in an empty directory; what a block sets, the next one has."""

    def __init__(self, directory: Path, variables: dict[str, str]) -> None:
        self.directory = directory
        self._variables = variables
        self._before: list[str] = []

    def types(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run a block, all of its lines; stop at the first that fails."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join([*self._before, commands])],
            cwd=self.directory,
            env=self._variables,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def keeps(self, commands: str) -> None:
        """Lines that only set variables are there in every later block."""
        self._before += re.findall(r"^export .*$", commands, re.MULTILINE)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    directory = tmp_path_factory.mktemp("newcomer")
    programs = install(directory / "environment")
    # The usual ports may be somebody else's on this machine.
    ports = {
        f"BERGLINE_{name.upper()}": str(port) for name, port in platform_ports(replicas_of({}))
    }
    home = directory / "home"
    home.mkdir()
    who = Newcomer(home, environment(programs) | ports)
    try:
        yield who
    finally:
        who.types("bergline down")


def test_a_source_of_ones_own_is_declared_checked_and_lands_by_the_documents_commands(
    newcomer: Newcomer,
) -> None:
    first, post, look = blocks("Add a source of your own")

    begun = newcomer.types(first)
    assert begun.returncode == 0, begun.stdout + begun.stderr
    assert "3 passed" in begun.stdout
    assert (newcomer.directory / "my_project/sources/acme/source.py").is_file()
    newcomer.keeps(first)
    posted = newcomer.types(post)
    assert posted.returncode == 0, posted.stderr
    answer = json.loads(posted.stdout)
    assert (answer["status"], answer["topic"]) == ("ok", "acme.events")
    query, rest = look.split("\n", 1)
    shown = _until_there(newcomer, query)
    assert "thing.made" in shown
    ended = newcomer.types(rest)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "acme.events" in ended.stdout


def test_nothing_of_a_checkout_is_there(newcomer: Newcomer) -> None:
    found = newcomer.types("python -c 'import shared, deploy; print(shared.__file__)'")

    assert found.stdout.startswith(str(newcomer.directory.parent)), found.stderr
    assert newcomer.types("python -c 'import tests'").returncode != 0


def _until_there(newcomer: Newcomer, query: str) -> str:
    """What the query shows once it shows the row; the document says that it takes a while."""
    give_up = time.monotonic() + ROW_WITHIN_SECONDS
    while True:
        shown = newcomer.types(query)
        if shown.returncode == 0 and "42" in shown.stdout:
            return shown.stdout
        if time.monotonic() > give_up:
            pytest.fail(f"no row after {ROW_WITHIN_SECONDS:g} s\n{shown.stdout}{shown.stderr}")
