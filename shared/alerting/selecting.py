"""Which series, over which window, made into what: from YAML to a selector."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

import yaml

from shared.alerting import marked, patterns, scalars
from shared.alerting.expression import Aggregation, Match, OverTime, Selector
from shared.alerting.marked import Reading, like
from shared.contracts.errors import ConfigurationError
from shared.runtime.metrics import Metric

Signals = Mapping[str, Metric]
"""The signals that rules may name: :data:`shared.runtime.metrics.SIGNALS`, or some of a test."""

AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)
FUNCTIONS: tuple[OverTime, ...] = get_args(OverTime)
SELECTING = ("signal", "where", "over", "function", "times", *AGGREGATIONS)

_PREFIXES: tuple[Literal["!=", "=~", "!~"], ...] = ("=~", "!~", "!=")
_OF_COUNTERS = ("increase", "rate")
_BEYOND_RE2 = re.compile(r"\(\?(?:[=!>(]|<[=!]|P=|P>)|\\[1-9]")


@dataclass(frozen=True, slots=True)
class Selected:
    """A selector, and the labels that its series have."""

    selector: Selector
    labels: frozenset[str]


def selector(
    reading: Reading, found: Mapping[str, yaml.Node], signals: Signals, scale: float
) -> Selected | None:
    """The selector of the fields of a mapping; ``None`` with at least one problem noted."""
    if "signal" not in found:
        return None
    before = len(reading.problems)
    signal = scalars.text(reading, found["signal"], of="`signal`")
    if signal is None:
        return None
    if signal not in signals:
        reading.problem(found["signal"], f"unknown signal {signal!r}", like(signal, signals))
        return None
    labels = frozenset(signals[signal].labels)
    matches = _matches(reading, found.get("where"), signal, labels)
    window, function = _window(reading, found, signals[signal], scale)
    aggregation, by = _aggregation(reading, found, signal, labels)
    times = scalars.number(reading, found["times"], of="`times`") if "times" in found else 1.0
    if times is None or len(reading.problems) > before:
        return None
    made = Selector(signal, matches, window, function, aggregation, by, times)
    return Selected(made, frozenset(by) if aggregation else labels)


def _label(
    reading: Reading, node: yaml.Node, label: str, signal: str, labels: Collection[str]
) -> bool:
    if label not in labels:
        step = like(label, labels) if labels else "leave it out"
        reading.problem(node, f"{signal} has no label {label!r}", step)
    return label in labels


def _matches(
    reading: Reading, node: yaml.Node | None, signal: str, labels: Collection[str]
) -> tuple[Match, ...]:
    if node is None:
        return ()
    if not isinstance(node, yaml.MappingNode):
        reading.problem(node, "`where` is no mapping", "write `{label: value}`")
        return ()
    found: list[Match] = []
    for key, value in node.value:
        label = scalars.text(reading, key, of="a label")
        if label is None or not _label(reading, key, label, signal, labels):
            continue
        if not isinstance(value, yaml.ScalarNode):
            reading.problem(value, f"`{label}` is no text", "write one value")
        elif any(match.label == label for match in found):
            reading.problem(key, f"label {label!r} for the second time", "match it by =~ once")
        elif match := _match(reading, value, label):
            found.append(match)
    return tuple(found)


def _match(reading: Reading, node: yaml.ScalarNode, label: str) -> Match | None:
    written = str(node.value)
    op: Literal["=", "!=", "=~", "!~"] = "="
    for prefix in _PREFIXES:
        if written.startswith(prefix):
            op = prefix
            written = written.removeprefix(prefix)
            break
    if op in {"=~", "!~"}:
        try:
            re.compile(written)
        except re.error as error:
            reading.problem(node, f"no regular expression: {error}", "correct it")
            return None
        try:
            patterns.check(written, written)
        except ConfigurationError as error:
            reading.problem(node, error.what, error.next_step or "")
            return None
        if _BEYOND_RE2.search(written):
            reading.problem(
                node,
                "a regular expression that Prometheus does not read",
                "do without looking around and back-references",
            )
            return None
    return Match(label, op, written)


def _window(
    reading: Reading, found: Mapping[str, yaml.Node], signal: Metric, scale: float
) -> tuple[float | None, OverTime | None]:
    if "over" not in found and "function" not in found:
        return None, None
    if "over" not in found or "function" not in found:
        present, missing = ("over", "function") if "over" in found else ("function", "over")
        reading.problem(found[present], f"`{present}` without `{missing}`", f"add `{missing}: …`")
        return None, None
    window = scalars.duration(reading, found["over"], of="`over`")
    if window == 0:
        reading.problem(found["over"], "a window of nothing", "write for example 10m")
    function = scalars.word(reading, found["function"], FUNCTIONS, of="`function`")
    if function in _OF_COUNTERS and signal.kind != "counter":
        reading.problem(
            found["function"], f"{function} is of counters, {signal.name} is a gauge", "use delta"
        )
    if function == "delta" and signal.kind == "counter":
        reading.problem(
            found["function"], f"delta is of gauges, {signal.name} is a counter", "use increase"
        )
    scaled = None if window is None else window * scale
    return scaled, cast("OverTime | None", function)


def _aggregation(
    reading: Reading, found: Mapping[str, yaml.Node], signal: str, labels: Collection[str]
) -> tuple[Aggregation | None, tuple[str, ...]]:
    named = [name for name in AGGREGATIONS if name in found]
    if not named:
        return None, ()
    if len(named) > 1:
        reading.problem(found[named[1]], "aggregated twice", "write two conditions, or one of them")
        return None, ()
    node = found[named[0]]
    parts = marked.fields(reading, node, ("by",), of=f"`{named[0]}`", required=("by",))
    by = scalars.names(reading, parts["by"], of="`by`") if "by" in parts else ()
    for label in by:
        _label(reading, parts["by"], label, signal, labels)
    return named[0], by
