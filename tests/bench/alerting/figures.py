"""The figures of ``bench alert``, a module each."""

from __future__ import annotations

from tests.bench.alerting import evaluating, planning, telling
from tests.bench.report import Measure


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Every figure."""
    return [
        *evaluating.measured(rounds, quick=quick),
        *planning.measured(rounds, quick=quick),
        *telling.measured(rounds, quick=quick),
    ]
