"""One bad group does not stop the others, and is not passed over in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from shared.lake.maintenance import compaction as module
from shared.lake.maintenance.compaction import compact
from shared.lake.maintenance.compaction_report import CompactionReport, CompactionStep, Status
from shared.lake.maintenance.failed_groups import FailedGroups
from shared.lake.maintenance.policy import MaintenancePolicy
from shared.lake.maintenance.rewriting import Rewritten, rewrite
from shared.runtime.errors import CheckFailed, Refused, Unavailable
from tests.support.derived_lake import DerivedLake

LATER_MS = 4_000_000_000_000


@pytest.fixture
def lake(tmp_path: Path) -> DerivedLake:
    """Five files of ten rows in each of three months."""
    found = DerivedLake(tmp_path)
    for month in range(3):
        for at in range(month, 150, 30):
            found.build(dict.fromkeys(range(at, at + 30, 3), 0))
    return found


def compacted(
    lake: DerivedLake, progress: Callable[[CompactionStep], None] | None = None
) -> CompactionReport:
    return compact(
        lake.handle(),
        lake.spec,
        MaintenancePolicy(),
        writer="test",
        now_ms=LATER_MS,
        progress=progress,
    )


def failing(monkeypatch: pytest.MonkeyPatch, *errors: Exception | None) -> list[int]:
    """The rewrite of each group fails by the error in its turn; how many were begun."""
    begun: list[int] = []

    def wrong(*arguments: object, **options: object) -> Rewritten:
        begun.append(len(begun))
        error = errors[begun[-1]] if begun[-1] < len(errors) else None
        if error is not None:
            raise error
        return rewrite(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "rewrite", wrong)
    return begun


@pytest.mark.parametrize(
    "error",
    [
        Refused("a file has no field ids", "set a name mapping"),
        CheckFailed("a row too few", "verify"),
        FileNotFoundError("data/1.parquet"),
        OSError("the disk is full"),
    ],
)
def test_the_others_are_done_and_then_it_fails_in_kind(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    before = lake.rows()
    told: list[CompactionStep] = []
    failing(monkeypatch, error)
    with pytest.raises(type(error)) as failed:
        compacted(lake, told.append)
    assert len(lake.live().data) == 5 + 1 + 1
    assert lake.rows() == before
    assert str(error).split("\n")[0] in str(failed.value)
    assert "2 groups were committed, 10 files became 2" in str(failed.value)
    assert [each.group for each in told if each.outcome] == [2, 3], "announced all the same"
    assert (failed.value.__class__, getattr(failed.value, "next_step", "")) == (
        type(error),
        getattr(error, "next_step", ""),
    )


@pytest.mark.parametrize("error", [pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError])
def test_a_file_that_is_damaged_or_strange_is_told_of_without_a_value(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    failing(monkeypatch, error("Integer value 4711 not in range"))
    with pytest.raises(CheckFailed) as failed:
        compacted(lake)
    assert "4711" not in str(failed.value)
    assert len(lake.live().data) == 7


def test_the_gravest_is_raised_and_the_others_are_counted(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, OSError("reset"), Refused("no field ids"), CheckFailed("a row too few"))
    with pytest.raises(CheckFailed, match="a row too few; 2 more groups failed; 0 groups were"):
        compacted(lake)


def test_a_store_that_is_away_is_not_asked_for_every_group(
    lake: DerivedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(0, 30, 6):
        lake.build({300_000 + at: 0, 300_003 + at: 0})
    policy = MaintenancePolicy(target_bytes=1600, small_share=1.0, least_benefit=0.0)
    begun = failing(monkeypatch, *[ConnectionError("refused")] * 50)
    with pytest.raises(OSError, match="2 more groups failed"):
        compact(lake.handle(), lake.spec, policy, writer="test", now_ms=LATER_MS)
    assert len(begun) == 3


def test_a_catalog_that_is_away_ends_it(lake: DerivedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = failing(monkeypatch, None, Unavailable("the catalog does not answer", "check it"))
    with pytest.raises(Unavailable, match="1 groups were committed, 5 files became 1"):
        compacted(lake)
    assert len(begun) == 2


def test_a_failure_alone_is_raised_as_it_is() -> None:
    failed = FailedGroups("core.orders")
    error = Refused("no field ids", "set a name mapping")
    failed.add("day_month=2026-01", error)
    assert failed.error(CompactionReport(Status.SKIPPED)) is error


def test_what_is_answered_in_between_counts_anew() -> None:
    failed = FailedGroups("core.orders")
    for _ in range(2):
        failed.add("", ConnectionError("refused"))
    failed.committed()
    failed.add("", ConnectionError("refused"))
    assert not failed.hopeless
    failed.add("", FileNotFoundError("data/1.parquet"))
    for _ in range(2):
        failed.add("", ConnectionError("refused"))
    assert not failed.hopeless
