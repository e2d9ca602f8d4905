"""``when`` of a rule: from YAML to a condition, and which labels its alerts have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import yaml

from shared.alerting import marked, scalars
from shared.alerting.expression import (
    Absent,
    All,
    Comparison,
    Condition,
    Either,
    Op,
    Ratio,
)
from shared.alerting.marked import Reading
from shared.alerting.matching import absent_labels
from shared.alerting.selecting import SELECTING, Selected, Signals, selector

OPS: Mapping[str, Op] = MappingProxyType(
    {
        "above": ">",
        "at_least": ">=",
        "below": "<",
        "at_most": "<=",
        "equals": "==",
        "differs": "!=",
    }
)
_COMPARING = (*SELECTING, *OPS, "divided_by", "on")
_KINDS = ("all", "any", "absent")


@dataclass(frozen=True, slots=True)
class Read:
    """A condition, and the labels that every alert of it has."""

    condition: Condition
    labels: frozenset[str]


def condition(reading: Reading, node: yaml.Node, signals: Signals, scale: float) -> Read | None:
    """The condition that ``node`` is; ``None`` with at least one problem noted.

    ``scale`` is what windows and durations are multiplied with.
    """
    keys = (
        {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        if isinstance(node, yaml.MappingNode)
        else set()
    )
    kind = next((kind for kind in _KINDS if kind in keys), None)
    if kind is None:
        return _comparison(reading, node, signals, scale)
    if kind == "absent":
        found = marked.fields(reading, node, ("absent",), of="`absent`")
        return _absent(reading, found["absent"], signals)
    found = marked.fields(reading, node, (kind, "on") if kind == "all" else (kind,), of=f"`{kind}`")
    before = len(reading.problems)
    parts = [
        part
        for item in marked.items(reading, found[kind], of=f"`{kind}`")
        if (part := condition(reading, item, signals, scale))
    ]
    on = _on(reading, found.get("on"))
    if len(reading.problems) > before:
        return None
    conditions = tuple(part.condition for part in parts)
    if kind == "any":
        labels = frozenset.intersection(*(part.labels for part in parts))
        return Read(Either(conditions), labels)
    for part in parts[1:]:
        _joinable(reading, node, parts[0].labels, part.labels, on, unique=False)
    return Read(All(conditions, on), parts[0].labels) if len(reading.problems) == before else None


def _absent(reading: Reading, node: yaml.Node, signals: Signals) -> Read | None:
    before = len(reading.problems)
    found = marked.fields(reading, node, ("signal", "where"), of="`absent`", required=("signal",))
    taken = selector(reading, found, signals, 1.0)
    if taken is None or len(reading.problems) > before:
        return None
    labels = frozenset(name for name, _ in absent_labels(taken.selector))
    return Read(Absent(taken.selector), labels)


def _comparison(reading: Reading, node: yaml.Node, signals: Signals, scale: float) -> Read | None:
    before = len(reading.problems)
    found = marked.fields(
        reading, node, (*_COMPARING, *_KINDS), of="a condition", required=("signal",)
    )
    ops = [key for key in OPS if key in found]
    if found and len(ops) != 1:
        what = f"compares {len(ops)} times" if ops else "compares with nothing"
        reading.problem(node, f"the condition {what}", f"write one of {', '.join(OPS)}")
    on = _on(reading, found.get("on"))
    left = selector(reading, found, signals, scale) if "signal" in found else None
    if len(ops) != 1:
        return None
    divisor = _selected(reading, found.get("divided_by"), signals, scale, of="`divided_by`")
    threshold = found[ops[0]]
    vector = isinstance(threshold, yaml.MappingNode)
    right = _selected(reading, threshold if vector else None, signals, scale, of=f"`{ops[0]}`")
    timed = not vector and not scalars.is_number(threshold)
    value = None if vector else _threshold(reading, threshold, ops[0], scale)
    if on is not None and not vector and "divided_by" not in found:
        reading.problem(found["on"], "`on` with nothing to bring together", "leave it out")
    if left is None or len(reading.problems) > before:
        return None
    for other in (divisor, right):
        if other is not None:
            _joinable(reading, node, left.labels, other.labels, on, unique=True)
    if len(reading.problems) > before:
        return None
    beside = right.selector if right else value
    assert beside is not None  # noqa: S101 - no problem was noted
    whole = Ratio(left.selector, divisor.selector, on) if divisor else left.selector
    compared = Comparison(whole, OPS[ops[0]], beside, on if vector else None, duration=timed)
    return Read(compared, left.labels)


def _threshold(reading: Reading, node: yaml.Node, key: str, scale: float) -> float | None:
    """A number, or a duration in scaled seconds."""
    if scalars.is_number(node):
        return scalars.number(reading, node, of=f"`{key}`")
    value = scalars.seconds(node.value) if isinstance(node, yaml.ScalarNode) else None
    if value is None:
        reading.problem(
            node,
            f"`{key}` is neither number, duration nor signal",
            "write for example 100, 10m or {signal: …}",
        )
        return None
    return value * scale


def _selected(
    reading: Reading, node: yaml.Node | None, signals: Signals, scale: float, *, of: str
) -> Selected | None:
    """The selector that stands in a mapping of its own."""
    if node is None:
        return None
    found = marked.fields(reading, node, SELECTING, of=of, required=("signal",))
    return selector(reading, found, signals, scale)


def _on(reading: Reading, node: yaml.Node | None) -> tuple[str, ...] | None:
    return None if node is None else scalars.names(reading, node, of="`on`")


def _joinable(
    reading: Reading,
    node: yaml.Node,
    left: frozenset[str],
    right: frozenset[str],
    on: tuple[str, ...] | None,
    *,
    unique: bool,
) -> None:
    """Note when series of the two sides never match, or (``unique``) could match several."""
    if on is None:
        if left != right:
            shared = ", ".join(sorted(left & right))
            reading.problem(
                node,
                f"series with {_listed(left)} never equal series with {_listed(right)}",
                f"add `on: [{shared}]`, or aggregate both by the same labels",
            )
        return
    if missing := sorted(set(on) - (left & right)):
        reading.problem(
            node, f"`on` names {_listed(missing)}, which not both sides have", "leave it out"
        )
    elif unique and (more := sorted(right - set(on))):
        reading.problem(
            node,
            f"several series may stand beside one: `on` leaves out {_listed(more)}",
            f"aggregate the other side, for example `max: {{by: [{', '.join(on)}]}}`",
        )


def _listed(labels: Collection[str]) -> str:
    return f"labels {', '.join(sorted(labels))}" if labels else "no labels"
