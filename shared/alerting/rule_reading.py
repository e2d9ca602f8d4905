"""One rule: from YAML to :class:`~shared.alerting.rule.Rule`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import cast, get_args

import yaml

from shared.alerting import conditions, marked, scalars
from shared.alerting.marked import Reading
from shared.alerting.rule import Place, Rule
from shared.alerting.selecting import Signals
from shared.alerting.texts import FORMED, PLACEHOLDER
from shared.contracts.alerts import Severity

REQUIRED = ("alert", "when", "severity", "team", "summary")
OPTIONAL = ("for", "keep_firing_for", "description", "runbook", "labels")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RUNBOOK = re.compile(r"[a-z0-9_-]+#[a-z0-9-]+|https?://\S+")
SEVERITIES: tuple[str, ...] = get_args(Severity)

_RESERVED = frozenset({"alertname", "severity", "team"})


def rule(
    reading: Reading,
    node: yaml.Node,
    signals: Signals,
    *,
    group: str,
    interval_s: float,
    scale: float,
) -> Rule | None:
    """The rule that ``node`` is; ``None`` with at least one problem noted.

    Every part is read, so that all problems are told at once.
    """
    before = len(reading.problems)
    found = marked.fields(reading, node, (*REQUIRED, *OPTIONAL), of="the rule", required=REQUIRED)
    name = _name(reading, found.get("alert"))
    read = conditions.condition(reading, found["when"], signals, scale) if "when" in found else None
    times = {
        key: scalars.duration(reading, found[key], of=f"`{key}`") if key in found else 0.0
        for key in ("for", "keep_firing_for")
    }
    severity = (
        scalars.word(reading, found["severity"], SEVERITIES, of="`severity`")
        if "severity" in found
        else None
    )
    texts: dict[str, str] = {
        key: scalars.text(reading, found[key], of=f"`{key}`") or ""
        for key in ("team", "summary", "description", "runbook")
        if key in found
    }
    if read is not None:
        _placeholders(reading, found, texts, read.labels)
    if texts.get("runbook") and not RUNBOOK.fullmatch(texts["runbook"]):
        reading.problem(
            found["runbook"],
            f"`runbook` {texts['runbook']!r} is no place",
            "write page#anchor (small letters, digits, -), or a URL",
        )
    added = _labels(reading, found.get("labels"), read.labels if read else ())
    if read is None or len(reading.problems) > before:
        return None
    mark = node.start_mark
    return Rule(
        name=name,
        group=group,
        interval_s=interval_s * scale,
        condition=read.condition,
        for_s=(times["for"] or 0.0) * scale,
        keep_firing_for_s=(times["keep_firing_for"] or 0.0) * scale,
        severity=cast("Severity", severity),
        team=texts["team"],
        summary=texts["summary"],
        description=texts.get("description", ""),
        runbook=texts.get("runbook", ""),
        place=Place(reading.file, mark.line + 1, mark.column + 1),
        labels=added,
    )


def _name(reading: Reading, node: yaml.Node | None) -> str:
    name = scalars.text(reading, node, of="`alert`") if node is not None else None
    if node is not None and name and not NAME.fullmatch(name):
        reading.problem(node, f"{name!r} cannot be a name", "use letters and digits: ThatIsWrong")
    return name or ""


def _placeholders(
    reading: Reading,
    found: Mapping[str, yaml.Node],
    texts: Mapping[str, str],
    labels: Collection[str],
) -> None:
    for key in ("summary", "description"):
        text = texts.get(key, "")
        for label, form in FORMED.findall(text):
            if label != "value":
                reading.problem(
                    found[key], f"`{key}` names {{{label}:{form}}}", "only the value has a form"
                )
            elif not PLACEHOLDER.fullmatch(f"{{value:{form}}}"):
                reading.problem(
                    found[key],
                    f"`{key}` names {{value:{form}}}, a form that there is not",
                    "write {value}, {value:duration} or {value:percentage}",
                )
        for label, form in PLACEHOLDER.findall(text):
            if not form and label != "value" and label not in labels:
                reading.problem(
                    found[key],
                    f"`{key}` names {{{label}}}, which alerts of the rule do not have",
                    marked.like(label, {"value", *labels}),
                )


def _labels(reading: Reading, node: yaml.Node | None, taken: Collection[str]) -> Mapping[str, str]:
    added: dict[str, str] = {}
    if node is None:
        return added
    if not isinstance(node, yaml.MappingNode):
        reading.problem(node, "`labels` is no mapping", "write `{label: value}`")
        return added
    for key, value in node.value:
        label = scalars.text(reading, key, of="a label")
        written = scalars.text(reading, value, of=f"`{label}`")
        if label is None or written is None:
            continue
        if label in _RESERVED or label in taken:
            reading.problem(key, f"label {label!r} is there already", "use another name")
        elif not NAME.fullmatch(label):
            reading.problem(key, f"{label!r} cannot be a label", "use letters, digits and _")
        elif label in added:
            reading.problem(key, f"label {label!r} for the second time", "keep one of them")
        else:
            added[label] = written
    return added
