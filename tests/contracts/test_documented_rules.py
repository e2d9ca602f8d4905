"""Rules that stand in documents are rules that can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.alerting.reading import read
from shared.runtime.metrics import SIGNALS

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"README.md": 2, "deploy/runbook/rules.md": 4}
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_examples_are_read(page: str) -> None:
    examples = [each for each in YAML.findall((ROOT / page).read_text()) if "groups:" in each]
    files = {f"{page} {n}": example for n, example in enumerate(examples)}
    assert len(read(files, known=SIGNALS)) == PAGES[page]
