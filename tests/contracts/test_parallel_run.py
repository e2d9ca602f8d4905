"""What a parallel run of the tests says of modules is about modules that are there."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import LONGEST, STARTING

ROOT = Path(__file__).parents[2]


def test_modules_that_begin_early_are_there() -> None:
    assert [module for module in LONGEST if not (ROOT / module).is_file()] == []
    assert [directory for directory in STARTING if not (ROOT / directory).is_dir()] == []
