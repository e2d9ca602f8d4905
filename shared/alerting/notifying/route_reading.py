"""The tree of routes from YAML; what a route does not say it has from the one above it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import yaml

from shared.alerting import marked, scalars
from shared.alerting.marked import Reading, like
from shared.alerting.notifying.matcher_reading import conditions
from shared.alerting.notifying.routing import (
    GROUP_INTERVAL_S,
    GROUP_WAIT_S,
    REPEAT_INTERVAL_S,
    Escalation,
    Route,
)

_TIMES = ("group_wait", "group_interval", "repeat_interval")
_OF_ALL = ("receiver", "group_by", *_TIMES, "escalate", "routes")
_OF_BRANCHES = ("match", *_OF_ALL, "continue")


def root(
    reading: Reading, node: yaml.Node, receivers: Collection[str], scale: float
) -> Route | None:
    """The tree; ``None`` with at least one problem noted."""
    within = reading.within("route")
    found = marked.fields(within, node, _OF_ALL, of="the route", required=("receiver",))
    above = Route(
        "",
        group_wait_s=GROUP_WAIT_S * scale,
        group_interval_s=GROUP_INTERVAL_S * scale,
        repeat_interval_s=REPEAT_INTERVAL_S * scale,
    )
    before = len(reading.problems)
    made = _route(within, found, above, receivers, scale)
    return made if len(reading.problems) == before and "receiver" in found else None


def _route(
    reading: Reading,
    found: dict[str, yaml.Node],
    above: Route,
    receivers: Collection[str],
    scale: float,
) -> Route:
    made = replace(above, matchers=(), continues=False, routes=())
    if "receiver" in found:
        made = replace(made, receiver=_receiver(reading, found["receiver"], receivers))
    if "match" in found:
        made = replace(made, matchers=conditions(reading, found["match"], of="`match`"))
    if "group_by" in found:
        by = scalars.names(reading, found["group_by"], of="`group_by`")
        made = replace(made, group_by=by)
    made = _timed(reading, found, made, scale)
    if "escalate" in found:
        made = replace(made, escalations=_escalations(reading, found["escalate"], receivers, scale))
    if "continue" in found:
        word = scalars.word(reading, found["continue"], ("true", "false"), of="`continue`")
        made = replace(made, continues=word == "true")
    branches = marked.items(reading, found["routes"], of="`routes`") if "routes" in found else []
    return replace(
        made, routes=tuple(_branch(reading, each, made, receivers, scale) for each in branches)
    )


def _timed(reading: Reading, found: dict[str, yaml.Node], made: Route, scale: float) -> Route:
    times = {
        name: scalars.duration(reading, found[name], of=f"`{name}`") or 0.0
        for name in _TIMES
        if name in found
    }
    if times.get("repeat_interval") == 0:
        reading.problem(found["repeat_interval"], "repeated without end", "write for example 4h")
    scaled = {name: value * scale for name, value in times.items()}
    return replace(
        made,
        group_wait_s=scaled.get("group_wait", made.group_wait_s),
        group_interval_s=scaled.get("group_interval", made.group_interval_s),
        repeat_interval_s=scaled.get("repeat_interval", made.repeat_interval_s),
    )


def _branch(
    reading: Reading, node: yaml.Node, above: Route, receivers: Collection[str], scale: float
) -> Route:
    found = marked.fields(reading, node, _OF_BRANCHES, of="a route", required=("match",))
    return _route(reading, found, above, receivers, scale)


def _escalations(
    reading: Reading, node: yaml.Node, receivers: Collection[str], scale: float
) -> tuple[Escalation, ...]:
    steps = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found: list[Escalation] = []
    for step in steps:
        parts = marked.fields(
            reading, step, ("after", "receiver"), of="`escalate`", required=("after", "receiver")
        )
        if "after" in parts and "receiver" in parts:
            after = scalars.duration(reading, parts["after"], of="`after`")
            to = _receiver(reading, parts["receiver"], receivers)
            found.append(Escalation((after or 0.0) * scale, to))
    return tuple(found)


def _receiver(reading: Reading, node: yaml.Node, receivers: Collection[str]) -> str:
    name = scalars.text(reading, node, of="`receiver`") or ""
    if name and name not in receivers:
        reading.problem(node, f"there is no receiver {name!r}", like(name, receivers))
    return name
