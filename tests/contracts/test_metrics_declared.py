"""Every metric in the code is in the catalogue, and everything in the catalogue is measured."""

import ast
import re

import pytest

from shared.runtime.metrics import METRICS, Metric
from tests.support.source_code import Module, calls, modules, texts

CATALOGUE = "shared.runtime.metrics"
BROKER = "deploy.embedded.broker"
"""Exposes a broker's metrics under Redpanda's names; a broker knows nothing of the platform."""
INSTRUMENTS = {"counter", "gauge", "histogram"}
_OURS = re.compile(r"(lakehouse_[a-z0-9_]+|http_request[a-z0-9_]*_(total|seconds))")
_SERIES = re.compile(r"_(bucket|sum|count|created)$")


def _elsewhere() -> list[Module]:
    return [module for module in modules() if not module.inside(CATALOGUE, BROKER)]


def _used() -> list[tuple[str, str, str]]:
    """Kind, name and place of every instrument taken by a literal name."""
    return [
        (kind, call.args[0].value, f"{module.path}:{call.lineno}")
        for module in _elsewhere()
        for kind, call in calls(module)
        if kind in INSTRUMENTS
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    ]


def test_instruments_taken_by_name_are_declared_with_that_kind() -> None:
    used = _used()
    assert used, "no instrument is taken by a literal name: this test looks for the wrong call"
    wrong = [
        f"{place}: {kind} {name}"
        for kind, name, place in used
        if name not in METRICS or METRICS[name].kind != kind
    ]
    assert not wrong, f"not in {CATALOGUE}: {wrong}"


def test_metric_names_in_texts_are_declared() -> None:
    """Names read back from /metrics by other parts: a renamed metric must not leave one behind."""
    unknown = [
        f"{module.path}:{line}: {text}"
        for module in _elsewhere()
        for text, line in texts(module)
        if _OURS.fullmatch(text) and _SERIES.sub("", text) not in METRICS and text not in METRICS
    ]
    assert not unknown, f"not in {CATALOGUE}: {unknown}"


def test_no_module_makes_instruments_of_its_own() -> None:
    """Labels and buckets would be declared twice, and the page would not show them."""
    makers = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
    made = []
    for module in _elsewhere():
        imported = {
            alias.asname or alias.name
            for node in module.nodes()
            if isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("prometheus_client")
            for alias in node.names
        }
        made += [
            f"{module.path}:{call.lineno}"
            for name, call in calls(module)
            if name in makers & imported and isinstance(call.func, ast.Name)
        ]
    assert not made, f"take them from Instruments: {made}"


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_declared_metric_is_measured_by_each_of_its_producers(metric: Metric) -> None:
    for producer in metric.producers:
        shared = (
            ("shared.alerting",) if producer == "alerter" else ("shared.runtime", "shared.lake")
        )
        places = [
            module.path
            for module in _elsewhere()
            if module.inside(f"services.{producer}", *shared)
            and any(text == metric.name for text, _ in texts(module))
        ]
        assert places, f"{producer} declares {metric.name} and never measures it"
