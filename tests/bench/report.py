"""What a benchmark tells: figures with their spread, beside a peer, and the machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure.

    Attributes:
        name: what was measured.
        value: median of the rounds.
        unit: of the value.
        ratio: median over the rounds of value / peer's value; ``None`` without a peer.
        peer: what it is compared with, and the median of that.
        spread: (largest - smallest) / median.
    """

    name: str
    value: float
    unit: str
    ratio: float | None
    peer: str | None
    spread: float


def measure(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    peer: str | None = None,
    peer_values: Sequence[float] = (),
) -> Measure:
    """The figure of one value per round, and of the peer's value in the same round.

    Raises:
        ValueError: no rounds, or the peer took part in another number of them.
    """
    if not values or (peer is not None and len(peer_values) != len(values)):
        raise ValueError(f"{name}: {len(values)} rounds, {len(peer_values)} of the peer")
    middle = statistics.median(values)
    ratio = None
    if peer is not None:
        ratios = [mine / other for mine, other in zip(values, peer_values, strict=True)]
        ratio = _digits(statistics.median(ratios))
        peer = f"{peer} ({_digits(statistics.median(peer_values)):g})"
    spread = _digits((max(values) - min(values)) / middle) if middle else 0.0
    return Measure(name, _digits(middle), unit, ratio, peer, spread)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when it was measured; a load before the run makes wall-clock figures doubtful."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    load_before: tuple[float, float, float]
    """Load averages of 1, 5 and 15 minutes."""


def machine() -> Machine:
    """This machine now."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load_before=_load(),
    )


def report(name: str, rounds: int, where: Machine, measures: Sequence[Measure]) -> dict[str, Any]:
    """The JSON object of a benchmark."""
    return {
        "name": name,
        "machine": asdict(where),
        "rounds": rounds,
        "measures": [asdict(each) for each in measures],
    }


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used in all its threads; the kernel counts in steps of 10 ms."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


def _load() -> tuple[float, float, float]:
    one, five, fifteen = os.getloadavg()
    return round(one, 2), round(five, 2), round(fifteen, 2)


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123 - not a file of ours
            named = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        named = []
    return named[0] if named else platform.machine()
