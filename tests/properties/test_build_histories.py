"""Histories of the whole graph end where a full build of everything ends; faults do not.

A few of them here; ``python -m tests.properties.histories --number 2000`` plays many.
"""

from __future__ import annotations

import pytest

from tests.properties.histories import FAULTS, run

SEEDS = (
    *range(1, 5),
    292,  # a key twice in an input that readers saw, and then once
    1577,  # rows behind empty chunks
)
AT_MOST = 40
"""Histories within which a planted fault must show; each does so within a dozen."""
FOUND_AT = {"ties-by-arrival": 5, "days-as-stored": 3, "no-commit-rule": 9}
"""The first history that shows a fault, tried before the others."""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_ends_equal_to_a_full_build_of_everything(seed: int) -> None:
    """Splits, repetitions, late rows, corrections, cancellations, deletions, rollbacks of raw and
    of derived tables, changed code, ticks, crashes before the commit, late builders."""
    wrong = run(seed)
    assert wrong is None, wrong


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "none"])
def test_a_planted_fault_is_noticed(fault: str) -> None:
    seeds = (FOUND_AT.get(fault, 1), *range(1, AT_MOST))
    assert any(run(seed, fault) is not None for seed in seeds)
