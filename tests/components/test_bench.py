"""The benchmarks as people and programs call them: listed, run, refused."""

import importlib
import inspect
import json
import math
import os
import pkgutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tests.bench
from tests.bench.__main__ import BENCHMARKS

ROOT = Path(__file__).parents[2]


QUICK_SECONDS = 300


def bench(*arguments: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BERGLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "shared.cli", "bench", *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=clean,
        cwd=ROOT,
        check=False,
    )


def last_line(run: "subprocess.CompletedProcess[str]") -> Any:
    return json.loads(run.stdout.splitlines()[-1])


def test_every_benchmark_is_registered() -> None:
    modules = {found.name for found in pkgutil.walk_packages(tests.bench.__path__, "tests.bench.")}
    modules.remove("tests.bench.__main__")
    runnable = {name for name in modules if hasattr(importlib.import_module(name), "run")}
    assert {each.module for each in BENCHMARKS.values()} == runnable


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_takes_rounds_and_tells_measures(name: str) -> None:
    run = importlib.import_module(BENCHMARKS[name].module).run
    rated = ["rate"] if BENCHMARKS[name].rated else []
    sized = ["rows"] if BENCHMARKS[name].sized else []
    assert list(inspect.signature(run).parameters) == ["rounds", "quick", *rated, *sized]
    assert inspect.signature(run).return_annotation == "list[Measure]"
    assert BENCHMARKS[name].rounds >= 3


@pytest.mark.parametrize("arguments", [[], ["--list"]], ids=["no name", "--list"])
def test_benchmarks_are_listed_with_one_line_each(arguments: list[str]) -> None:
    told = bench(*arguments)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert len(lines) == 1 + len(BENCHMARKS)
    for line, (name, each) in zip(lines[1:], BENCHMARKS.items(), strict=True):
        assert line.split()[0] == name
        assert each.line in line
    listed = last_line(bench(*arguments, "--output", "json"))
    assert listed["benchmarks"].keys() == BENCHMARKS.keys()


def test_a_report_is_the_last_line_and_progress_is_elsewhere() -> None:
    run = bench("parsing", "--quick", "--output", "json")
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 1
    assert json.loads(run.stderr.splitlines()[0])["step"] == "measuring"

    report = last_line(run)
    assert set(report) == {"name", "machine", "rounds", "measures"}
    assert (report["name"], report["rounds"]) == ("parsing", 1)
    assert {"cores", "memory_gib", "python", "load_before"} <= report["machine"].keys()
    names = [each["name"] for each in report["measures"]]
    assert names
    assert len(set(names)) == len(names)
    for each in report["measures"]:
        assert set(each) == {"name", "value", "unit", "ratio", "peer", "spread"}
        assert math.isfinite(each["value"])
        assert each["value"] > 0
        assert each["spread"] == 0.0
        assert each["ratio"] > 0
    first = report["measures"][0]
    peer = float(first["peer"].rpartition("(")[2].rstrip(")"))
    assert first["ratio"] == pytest.approx(first["value"] / peer, rel=0.02)


IN_EVERY_RUN: Mapping[str, frozenset[str]] = {
    "ingest": frozenset({"webhook", "hubspot_event", "webhook_spooled", "spool_replay"}),
    "commit": frozenset(),
}
"""Benchmark → measures that readers count on; ``parsing`` is run above, ``peers`` needs Java."""

WHEN_ASKED: Mapping[str, frozenset[str]] = {
    "stream-writer": frozenset(),
    "freshness": frozenset({"raw_p50", "raw_p99"}),
    "platform": frozenset({"cold_start", "idle_pss", "idle_cpu"}),
    "scale": frozenset({"rows_2", "conflicts_2", "rebalance_gap_left"}),
}
"""Those that start platforms."""

QUICKLY = {**IN_EVERY_RUN, **WHEN_ASKED}

ASKED = pytest.mark.skipif(
    not os.environ.get("BERGLINE_TEST_BENCH"),
    reason="a platform for a benchmark: `make bench-quick` runs it; `make test` has many platforms",
)


@pytest.mark.timeout(QUICK_SECONDS)
@pytest.mark.parametrize(
    "name", [*IN_EVERY_RUN, *(pytest.param(each, marks=ASKED) for each in WHEN_ASKED)]
)
def test_every_benchmark_runs_quickly_to_a_report(name: str) -> None:
    run = bench(name, "--quick", "--output", "json", seconds=QUICK_SECONDS)
    assert run.returncode == 0, run.stderr
    report = last_line(run)
    assert (report["name"], report["rounds"]) == (name, 1)
    assert QUICKLY[name] <= {each["name"] for each in report["measures"]}
    for each in report["measures"]:
        assert set(each) == {"name", "value", "unit", "ratio", "peer", "spread"}
        assert math.isfinite(each["value"])


def test_a_rate_is_refused_where_nothing_is_posted_at_one() -> None:
    run = bench("parsing", "--rate", "100")
    assert run.returncode == 2
    assert "--rate" in run.stderr


def test_people_get_a_table() -> None:
    run = bench("parsing", "--quick")
    assert run.returncode == 0, run.stderr
    head, columns, *rows = run.stdout.splitlines()
    assert head.startswith("parsing, 1 round, on ")
    assert columns.split()[0] == "measure"
    assert len(rows) == 7


def test_an_unknown_name_says_what_there_is() -> None:
    run = bench("speed", "--output", "json")
    assert run.returncode == 4
    assert "no benchmark 'speed'" in run.stderr
    for name in BENCHMARKS:
        assert name in run.stderr
    assert last_line(run)["error"]["kind"] == "NotFound"


@pytest.mark.parametrize("rounds", ["0", "-1", "some"])
def test_rounds_that_are_none_are_refused(rounds: str) -> None:
    run = bench("parsing", "--rounds", rounds)
    assert run.returncode == 2
    assert "--rounds" in run.stderr
