"""Builds in full that hold little: what is committed, and what is left on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from services.transformer.building.builder import Builder
from services.transformer.building.tables import Tables
from services.transformer.config import TransformerSettings
from services.transformer.framework import full
from services.transformer.framework.transform import Transform
from services.transformer.request import Stage
from shared.lake.reading.live_files import live_files
from tests.support.toy_lake import ToyLake, build_all, request
from tests.unit.transformer.framework import toys

EVENTS, ITEMS = toys.EVENTS.name, toys.ITEMS.name


@pytest.fixture
def lake(tmp_path: Path) -> ToyLake:
    lake = ToyLake(tmp_path / "lake", toys.TABLES, toys.TRANSFORMS)
    for changed in (1, 2):
        lake.land(
            EVENTS,
            [
                {
                    "id": number,
                    "day": date(2024, 1, 1 + number % 20),
                    "amount": number * changed,
                    "changed": changed,
                    "seen": changed,
                    "arrived": 0,
                    "error": None,
                }
                for number in range(100 * changed, 400)
            ],
        )
    return lake


def little(
    lake: ToyLake, work_dir: Path, transforms: Mapping[str, Transform] | None = None
) -> Builder:
    settings = TransformerSettings(
        transformer_build_portion_bytes=2048, transformer_work_dir=work_dir
    )
    tables = Tables(settings, lake.specs, lake.handle)
    return Builder(settings, transforms or lake.transforms, tables)


def left(work_dir: Path) -> list[Path]:
    return list((work_dir / "scratch").iterdir())


def test_a_first_build_that_holds_little_is_the_same_in_one_sorted_file(
    lake: ToyLake, tmp_path: Path
) -> None:
    reports = build_all(little(lake, tmp_path / "work"), lake.transforms)
    built = {name: lake.rows(name) for name in lake.transforms}
    assert reports[ITEMS].rows_added == built[ITEMS].height == 300
    assert left(tmp_path / "work") == [], "rows waited on disk, and are gone"
    table, head = lake.handle(ITEMS).table, lake.state(ITEMS).current_snapshot()
    assert head is not None
    assert head.summary["added-records"] == head.summary["bergline.rows"] == "300"
    assert len(live_files(table, head).data) == 1
    other = ToyLake(tmp_path / "other", toys.TABLES, toys.TRANSFORMS)
    other.land(EVENTS, lake.rows(EVENTS).to_dicts())
    build_all(other.builder(), other.transforms)
    for name, rows in built.items():
        assert_frame_equal(rows, other.rows(name))


def test_a_rebuild_that_holds_little_replaces_rows_or_leaves_them(
    lake: ToyLake, tmp_path: Path
) -> None:
    build_all(lake.builder(), lake.transforms)
    before = lake.rows(ITEMS)
    builder = little(lake, tmp_path / "work")
    assert builder.build(ITEMS, request(Stage.REBUILD)).rows_added == 0
    builder.build(ITEMS, request(Stage.PUBLISH))
    assert_frame_equal(lake.rows(ITEMS), before)

    def doubled(rows: pl.DataFrame) -> pl.DataFrame:
        return toys.items(rows).with_columns(pl.col("amount") * 2)

    other = {ITEMS: replace(toys.ITEM_FOLD, stage=doubled, version=2)}
    builder = little(lake, tmp_path / "work", other)
    report = builder.build(ITEMS, request(Stage.REBUILD))
    assert (report.rows_added, report.rows_removed) == (300, 300)
    builder.build(ITEMS, request(Stage.PUBLISH))
    assert_frame_equal(lake.rows(ITEMS), before.with_columns(pl.col("amount") * 2))
    assert left(tmp_path / "work") == []


def test_a_build_that_fails_leaves_nothing_on_disk(
    lake: ToyLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full, "SLICE_ROWS", 200)
    seen: list[int] = []

    def failing(rows: pl.DataFrame) -> pl.DataFrame:
        seen.append(len(left(tmp_path / "work")) if seen else 0)
        if len(seen) > 1:
            raise ZeroDivisionError
        return toys.items(rows)

    broken: dict[str, Transform] = {ITEMS: replace(toys.ITEM_FOLD, stage=failing)}
    builder = little(lake, tmp_path / "work", broken)
    with pytest.raises(ZeroDivisionError):
        builder.build(ITEMS, request())
    assert seen == [0, 1], "rows had left when it failed"
    assert left(tmp_path / "work") == []
    assert lake.state(ITEMS).current_snapshot_id is None
