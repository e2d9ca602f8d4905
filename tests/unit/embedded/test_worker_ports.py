"""Workers of a parallel run never pick each other's ports."""

from __future__ import annotations

import pytest

from deploy.embedded import ports
from tests.support.worker_ports import LOTS, free_port, platform_ports

REPLICAS = {"ingest": 3, "stream_writer": 3, "transformer": 3, "maintainer": 3, "alerter": 3}


def picked(monkeypatch: pytest.MonkeyPatch, worker: int, run: str) -> set[int]:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{worker}")
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", run)
    found: set[int] = set()
    for _ in range(40):
        found |= {each.number for each in ports.needed(platform_ports(REPLICAS), REPLICAS)}
        found |= {free_port() for _ in range(5)}
    return found


def test_workers_of_a_run_pick_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    lots = [picked(monkeypatch, worker, "a run") for worker in range(LOTS)]
    assert sum(map(len, lots)) == len(set().union(*lots))
    assert max(map(max, lots)) < 32_768, "outgoing connections have those"


def test_runs_beside_each_other_need_not_begin_with_the_same_lot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = picked(monkeypatch, 0, "a run")
    assert any(first.isdisjoint(picked(monkeypatch, 0, f"run {number}")) for number in range(20))


def test_a_run_that_is_not_parallel_picks_from_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    widest = ports.FIRST_PORTS.stop - ports.FIRST_PORTS.start
    firsts = {platform_ports({}).s3_port for _ in range(40)}
    assert max(firsts) - min(firsts) > widest / LOTS
