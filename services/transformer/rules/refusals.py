"""Which raw rows staging refuses. One rule a row: the first that it breaks.

A refused row stands in the quarantine table of its staging table and nowhere else, so every raw row
without ``_error`` is either staged, refused, or says nothing about the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from services.transformer.rules.versions import RECEIVED_AT

AHEAD = timedelta(hours=24)
"""How far the vendor's clock may be ahead of ours."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Older creations are mistakes: the mart would have a row for every day since."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the quarantine.

    Attributes:
        name: what is written into ``rule``.
        broken: whether a row breaks it; null is no.
        detail: what was found, as text.
    """

    name: str
    broken: pl.Expr
    detail: pl.Expr


def missing_id(column: pl.Expr) -> Rule:
    """The object has no usable id."""
    return Rule("missing_id", column.is_null(), pl.lit("no id that is an integer"))


def missing_creation(concerned: pl.Expr) -> Rule:
    """A version that does not say when the object was created, so that it belongs to no day."""
    return Rule(
        "missing_created_at",
        concerned & pl.col("created_at").is_null(),
        pl.lit("no created_at that is a moment"),
    )


def too_early() -> Rule:
    """The object was created before anybody could have."""
    return Rule(
        "created_too_early",
        pl.col("created_at") < EARLIEST,
        pl.format("created_at {}", _moment(pl.col("created_at"))),
    )


def ahead_of_receipt(columns: Sequence[str]) -> Rule:
    """A time lies more than :data:`AHEAD` after receipt."""
    latest = pl.max_horizontal(columns)
    return Rule(
        "event_time_ahead",
        latest > RECEIVED_AT + AHEAD,
        pl.format("{}, received {}", _moment(latest), _moment(RECEIVED_AT)),
    )


def _moment(moment: pl.Expr) -> pl.Expr:
    return moment.dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ")


def judged(rows: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The rows with ``rule`` and ``detail``, both null where no rule is broken."""
    name = pl.coalesce(*(pl.when(rule.broken).then(pl.lit(rule.name)) for rule in rules))
    detail = pl.coalesce(*(pl.when(rule.broken).then(rule.detail) for rule in rules))
    return rows.with_columns(rule=name, detail=detail)


def accepted(rows: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The rows that break no rule."""
    return judged(rows, rules).filter(pl.col("rule").is_null()).drop("rule", "detail")


REFUSED_COLUMNS = (
    *("_topic", "_partition", "_offset", "_event_id", "_event_type", "_event_time"),
    *("_received_at", "_timestamp", "_loaded_at", "_payload", "_error"),
)
"""What a quarantine reads of a raw table, beside what its rules look at."""


def refused(rows: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """Rows of a quarantine table: those that break a rule."""
    return (
        judged(rows, rules)
        .filter(pl.col("rule").is_not_null())
        .select(
            "_topic",
            "_partition",
            "_offset",
            "rule",
            "detail",
            event_id="_event_id",
            event_type="_event_type",
            event_time="_event_time",
            received_at="_received_at",
            payload="_payload",
            _loaded_at="_loaded_at",
        )
    )
