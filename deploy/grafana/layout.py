"""Where panels are: from left to right, in a new line where they do not fit, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.grafana.panel import COLUMNS, Dashboard, Panel, Row


@dataclass(frozen=True, slots=True)
class Placed:
    """A row's heading or a panel, and the place of its upper left corner on Grafana's grid."""

    what: Row | Panel
    x: int
    y: int


def placed(dashboard: Dashboard) -> Iterator[Placed]:
    """Everything of a dashboard from top to bottom."""
    y = 0
    for row in dashboard.rows:
        yield Placed(row, 0, y)
        y += 1
        x = height = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            yield Placed(panel, x, y)
            x += panel.width
            height = max(height, panel.height)
        y += height
