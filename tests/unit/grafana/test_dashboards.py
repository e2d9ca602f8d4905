"""Dashboards ask only for what the platform measures, and are drawn where they can be read."""

import builtins
import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana import expressions
from deploy.grafana.catalogue import DASHBOARDS
from deploy.grafana.expressions import INTERVAL
from deploy.grafana.layout import Placed, placed
from deploy.grafana.panel import COLUMNS, Dashboard, Panel
from deploy.grafana.rendering import document
from shared.runtime.errors import ConfigurationError
from shared.runtime.metrics import METRICS
from tests.support.metric_names import names_in
from tests.support.prometheus_tools import needs_promtool, promtool

EVERY_DASHBOARD = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
PROVISIONING = Path(expressions.__file__).parent / "provisioning"

OUTSIDE = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
"""Of Prometheus itself, and of every Python process."""


@EVERY_DASHBOARD
def test_every_metric_is_declared(dashboard: Dashboard) -> None:
    shown = json.loads(document(dashboard))
    targets = [target["expr"] for panel in shown["panels"] for target in panel.get("targets", ())]
    assert len(targets) == sum(len(panel.queries) for panel in dashboard.panels)
    for expression in targets:
        names = names_in(expression)
        assert names, expression
        assert names <= METRICS.keys() | OUTSIDE, expression


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: expressions.rate("lakehouse_nobody_counts_this_total"), KeyError),
        (lambda: expressions.rate("lakehouse_waves_open"), ValueError),
        (lambda: expressions.largest("lakehouse_waves_open", "table"), ValueError),
        (lambda: expressions.summed("lakehouse_alerts", where='colour="red"'), ValueError),
        (lambda: expressions.quantile(0.5, "lakehouse_builds_total"), ValueError),
    ],
)
def test_what_nobody_declares_cannot_be_asked_for(
    made: Callable[[], str], problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        made()


def test_expressions_are_as_promql_has_them() -> None:
    assert expressions.rate("lakehouse_builds_total", "target", 'outcome!="succeeded"') == (
        'sum by (target) (rate(lakehouse_builds_total{outcome!="succeeded"}[$__rate_interval]))'
    )
    assert expressions.quantile(0.99, "lakehouse_build_seconds", "target") == (
        "histogram_quantile(0.99, sum by (le, target) "
        "(rate(lakehouse_build_seconds_bucket[$__rate_interval])))"
    )
    assert expressions.rate("lakehouse_build_seconds") == (
        "sum (rate(lakehouse_build_seconds_count[$__rate_interval]))"
    )


@needs_promtool
@EVERY_DASHBOARD
def test_prometheus_parses_every_expression(dashboard: Dashboard, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query.expression.replace(INTERVAL, "1m")}
        for number, query in enumerate(
            query for panel in dashboard.panels for query in panel.queries
        )
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    assert f"{len(rules)} rules found" in promtool("check", "rules", "--lint=none", file)


def _overlap(one: Placed, other: Placed) -> bool:
    def box(each: Placed) -> tuple[range, range]:
        width, height = (
            (each.what.width, each.what.height) if isinstance(each.what, Panel) else (COLUMNS, 1)
        )
        return range(each.x, each.x + width), range(each.y, each.y + height)

    (xs, ys), (other_xs, other_ys) = box(one), box(other)
    return (
        max(xs.start, other_xs.start) < min(xs.stop, other_xs.stop)
        and max(ys.start, other_ys.start) < min(ys.stop, other_ys.stop)
    )  # fmt: skip


@EVERY_DASHBOARD
def test_panels_lie_within_the_grid_and_not_upon_each_other(dashboard: Dashboard) -> None:
    everything = list(placed(dashboard))
    for each in everything:
        if isinstance(each.what, Panel):
            assert each.x + each.what.width <= COLUMNS
    assert not [pair for pair in combinations(everything, 2) if _overlap(*pair)]


@EVERY_DASHBOARD
def test_lines_are_filled_so_that_nothing_is_ragged(dashboard: Dashboard) -> None:
    for row in dashboard.rows:
        lines: dict[int, int] = {}
        for each in placed(Dashboard("", "", "", (row,))):
            if isinstance(each.what, Panel):
                lines[each.y] = lines.get(each.y, 0) + each.what.width
        assert set(lines.values()) == {COLUMNS}, row.title


@EVERY_DASHBOARD
def test_panels_say_what_they_show(dashboard: Dashboard) -> None:
    for row in dashboard.rows:
        assert len({panel.title for panel in row.panels}) == len(row.panels)
    for panel in dashboard.panels:
        assert panel.description.endswith(".")
        assert not panel.quiet.endswith(".")
        if panel.kind not in ("table", "number") and len(panel.queries) > 1:
            assert all(query.legend for query in panel.queries), panel.title


@EVERY_DASHBOARD
def test_the_json_has_what_grafana_needs(dashboard: Dashboard) -> None:
    shown: dict[str, Any] = json.loads(document(dashboard))
    identities = [panel["id"] for panel in shown["panels"]]
    assert len(set(identities)) == len(identities)
    assert (shown["uid"], shown["editable"]) == (dashboard.uid, False)
    assert [each["name"] for each in shown["templating"]["list"]] == ["datasource"]
    for panel in shown["panels"]:
        for target in panel.get("targets", ()):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_without_its_library_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("grafana_foundation_sdk"):
            raise ImportError(name)
        return imported(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match="grafana-foundation-sdk is not installed") as why:
        document(DASHBOARDS["overview"])
    assert "bergline[dev]" in why.value.next_step


def test_provisioning_names_the_data_source_and_the_folder() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())
    providers = yaml.safe_load((PROVISIONING / "dashboards" / "bergline.yml").read_text())

    assert [each["type"] for each in sources["datasources"]] == ["prometheus"]
    assert [each["folder"] for each in providers["providers"]] == ["Bergline"]
