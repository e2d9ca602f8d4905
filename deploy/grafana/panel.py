"""A dashboard as data, as far as ours need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

COLUMNS = 24
"""Width of Grafana's grid."""

Kind = Literal["lines", "areas", "number", "table", "states"]
"""``lines`` and ``areas`` (stacked) over time, the present ``number`` of each series, a ``table``
of the present series, and the ``states`` of each series over time."""

Unit = Literal[
    "short", "s", "bytes", "percentunit", "percent", "Bps", "recps", "reqps", "ops", "bool_yes_no"
]
"""Units by Grafana's names."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression, and how its series are called; ``{{label}}`` is filled in."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows, without the unit.
        description: what a reader should know: meaning, what is normal, what to do.
        queries: what is drawn.
        kind: how it is drawn.
        unit: of all its values.
        warn, alarm: from where on values are yellow, and red; below, if ``low_is_bad``.
        names: of values that are states, by value: 0 "down" for example.
        width, height: in Grafana's grid of 24 columns.
        quiet: why it is normally empty; empty text: it never is while the platform runs.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"
    unit: Unit = "short"
    warn: float | None = None
    alarm: float | None = None
    low_is_bad: bool = False
    names: tuple[tuple[int, str], ...] = ()
    width: int = 6
    height: int = 7
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, from left to right; the next line begins where they do not fit."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Attributes:
        uid: its address in Grafana; also the name of its file.
        title, description: for people.
        rows: from top to bottom.
        refresh: how often it is drawn anew.
        since: time that it shows.
        tags: by which it is found.
    """

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    refresh: str = "30s"
    since: str = "now-1h"
    tags: tuple[str, ...] = field(default=("bergline",))

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels."""
        return tuple(panel for row in self.rows for panel in row.panels)
