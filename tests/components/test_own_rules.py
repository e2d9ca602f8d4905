"""Rules of one's own from an installed wheel, beside those that came in it; no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wheel import unpack

RULE = """\
groups:
  - name: mine
    rules:
      - alert: NoOrders
        when: {signal: lakehouse_landing_silence_seconds, where: {table: raw.x}, above: 15m}
        severity: warning
        team: shop
        summary: no order for {value:duration}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(tmp_path_factory.mktemp("site"))


def checked(installed: Path, directory: Path, rule: str) -> subprocess.CompletedProcess[str]:
    rules = directory / "bergline_project" / "rules"
    rules.mkdir(parents=True)
    (rules / "mine.yaml").write_text(rule)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BERGLINE_")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "shared.cli", "check", "--output", "json"],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_they_are_checked_beside_the_rules_of_the_platform(installed: Path, tmp_path: Path) -> None:
    done = checked(installed, tmp_path, RULE)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"NoOrders"' in done.stdout
    assert json.loads(done.stdout)


def test_what_is_wrong_is_told_with_its_place(installed: Path, tmp_path: Path) -> None:
    done = checked(installed, tmp_path, RULE.replace("silence", "silense"))
    assert done.returncode == 2
    assert "rules/mine.yaml:5:24: " in done.stderr
