"""Figures are medians; ratios are taken round by round, because noise meets both in one round."""

import json
import os

import pytest

from tests.bench.report import cpu_seconds, machine, measure, report


def test_value_is_the_median_and_spread_is_relative_to_it() -> None:
    found = measure("speed", [90.0, 100.0, 120.0], "MB/CPU-s")
    assert (found.value, found.unit, found.spread) == (100.0, "MB/CPU-s", 0.3)
    assert found.ratio is None
    assert found.peer is None


def test_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    found = measure("speed", [10.0, 40.0, 90.0], "1/s", peer="other", peer_values=[10, 20, 30])
    assert found.ratio == 2.0
    assert found.peer == "other (20)"


def test_a_figure_without_rounds_is_refused() -> None:
    with pytest.raises(ValueError, match="0 rounds"):
        measure("speed", [], "1/s")


def test_a_peer_that_missed_a_round_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rounds, 1 of the peer"):
        measure("speed", [1.0, 2.0], "1/s", peer="other", peer_values=[1.0])


def test_a_figure_of_nothing_has_no_spread() -> None:
    assert measure("rows lost", [0.0, 0.0], "rows").spread == 0.0


def test_a_report_names_its_machine_and_is_json() -> None:
    where = machine()
    told = json.loads(json.dumps(report("x", 1, where, [measure("m", [1.0], "s")])))
    assert set(told) == {"name", "machine", "rounds", "measures"}
    assert told["machine"]["cores"] == os.cpu_count()
    assert told["machine"]["memory_gib"] > 0
    assert len(told["machine"]["load_before"]) == 3


def test_cpu_seconds_counts_what_a_process_used() -> None:
    before = cpu_seconds(os.getpid())
    while cpu_seconds(os.getpid()) < before + 0.05:
        sum(range(10_000))
    assert cpu_seconds(os.getpid()) >= before + 0.05
