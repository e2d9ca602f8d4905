"""What a worker's metrics tell: of its own targets only, and only what is so."""

from __future__ import annotations

from typing import Any

import pytest

from services.transformer.dispatching.build_metrics import BuildMetrics
from services.transformer.reconciling.survey import Looked
from shared.contracts.builds import BuildFailed, BuildSucceeded
from shared.contracts.plans import PlannedBuild
from shared.runtime.metrics import Instruments
from shared.runtime.open_waves import Waves
from shared.tables.registry import TABLES
from tests.unit.runtime.test_open_waves import BEGAN


class Nobody:
    """No worker, and nothing to announce."""

    size = 0
    pending: dict[str, int] = {}  # noqa: RUF012


class Gauges:
    def __init__(self) -> None:
        self.instruments = Instruments("transformer")
        nobody: Any = Nobody()
        self.metrics = BuildMetrics(self.instruments, Waves(TABLES), nobody, nobody)

    def of(self, name: str) -> dict[str, float]:
        """Label → value of a gauge."""
        [found] = [each for each in self.instruments.registry.collect() if each.name == name]
        return {next(iter(each.labels.values())): each.value for each in found.samples}

    def failed(self, target: str) -> None:
        self.metrics.event(
            BuildFailed(
                build_id="b", target=target, wave="w/1", cause="commit", attempt=1,
                error_type="Refused", error="no", seconds=1, will_retry=True, failed_at=BEGAN,
            )
        )  # fmt: skip

    def succeeded(self, target: str) -> None:
        self.metrics.event(
            BuildSucceeded(
                build_id="b", target=target, wave="w/1", cause="commit", mode="nothing",
                attempt=1, seconds=1, succeeded_at=BEGAN,
            )
        )  # fmt: skip

    def looked(self, behind: int, **found: bool) -> None:
        state: Any = object()
        self.metrics.looked(
            {
                f"core.{name}": Looked(
                    PlannedBuild(target=f"core.{name}", mode="nothing"),
                    None,
                    ticked=False,
                    state=state if compared else None,
                    behind=behind,
                )
                for name, compared in found.items()
            }
        )


@pytest.fixture
def gauges() -> Gauges:
    return Gauges()


def test_a_target_fails_until_a_build_succeeds(gauges: Gauges) -> None:
    gauges.failed("core.orders")
    assert gauges.of("lakehouse_build_failing") == {"core.orders": 1}
    gauges.succeeded("core.orders")
    assert gauges.of("lakehouse_build_failing") == {"core.orders": 0}


def test_what_another_worker_owns_now_is_not_told_here(gauges: Gauges) -> None:
    gauges.failed("core.orders")
    gauges.failed("core.first_orders")
    gauges.looked(7, orders=True, first_orders=True)
    gauges.metrics.own({"core.first_orders", "core.never_built"})
    assert gauges.of("lakehouse_build_failing") == {"core.first_orders": 1}
    assert gauges.of("lakehouse_completeness_lag_records") == {"core.first_orders": 7}
    gauges.metrics.own(())
    assert gauges.of("lakehouse_completeness_lag_records") == {}


def test_what_could_not_be_compared_has_no_lag(gauges: Gauges) -> None:
    gauges.looked(7, orders=True, first_orders=True)
    gauges.looked(3, orders=True, first_orders=False)
    assert gauges.of("lakehouse_completeness_lag_records") == {"core.orders": 3}
