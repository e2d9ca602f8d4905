"""What holds for all tests."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A project in the directory of the checkout is its owner's, not the tests'.
os.environ["BERGLINE_PROJECT"] = ""

# Where Python is told to keep no bytecode, every process would rewrite the assertions of all tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says more about the machine than about us. Laws are tried on few
# examples in every run, and on many by `make test EXAMPLES=many`.
settings.register_profile("few", deadline=None, max_examples=25)
settings.register_profile("many", deadline=None, max_examples=200)
settings.load_profile("few")

LONGEST = (
    "tests/chaos/test_rounds.py",
    "tests/e2e/test_derived_tables.py",
    "tests/components/test_transformer.py",
    "tests/chaos/test_faults.py",
    "tests/components/test_alerter.py",
    "tests/components/test_desk.py",
    "tests/e2e/test_platform.py",
    "tests/components/test_bench.py",
)
"""In the order in which they begin. The first has two tests, so its worker is given the fourth
(quick) at once, to follow it; the benchmarks want the cores, and begin when others have ended."""

STARTING = ("tests/chaos", "tests/e2e", "tests/components", "tests/contracts/broker")
"""Directories whose tests start processes, and so mostly wait."""


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Collect without looking for garbage: nearly all that is made by then stays."""
    gc.disable()
    try:
        _import_own_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """What is still there after a module stays: later searches for garbage leave it out. Builds
    search after each table, and would go through all that the tests before have imported."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path != item.path:
            gc.collect()
            gc.freeze()


def _import_own_share(config: pytest.Config) -> None:
    """Let each worker of a whole parallel run rewrite assertions of some modules for all of them,
    which takes longer than all that follows of collecting. What is kept already is only loaded."""
    if not hasattr(config, "workerinput") or config.args != config.getini("testpaths"):
        return
    number = int(config.workerinput["workerid"].removeprefix("gw"))
    modules = sorted((config.rootpath / "tests").rglob("test_*.py"))
    for module in modules[number :: config.workerinput["workercount"]]:
        name = ".".join(module.relative_to(config.rootpath).with_suffix("").parts)
        with contextlib.suppress(Exception, pytest.skip.Exception):  # told when it is collected
            importlib.import_module(name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers of a parallel run take modules in this order: what begins late must not last."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(item.path.relative_to(config.rootpath)))


def _rank(module: Path) -> tuple[int, int]:
    """Place of a module among all; those of one rank stay as they were collected."""
    if module.as_posix() in LONGEST:
        return 0, LONGEST.index(module.as_posix())
    for number, directory in enumerate(STARTING):
        if module.is_relative_to(directory):
            return 1, number
    return 2, 0
