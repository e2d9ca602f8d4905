"""Where routes lead an alert that fires: to which groups of which receivers, and how soon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.alerting.notifying.group import Timing
from shared.alerting.notifying.grouping import group_key, group_labels
from shared.alerting.notifying.routing import EVERY_LABEL, Routing, every, routes_of

HEARTBEAT_BY = ("alertname",)
AT_ONCE = Timing(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a group.

    Attributes:
        receiver, key, labels: the group.
        timing: of the route that leads there.
        after_s: escalation: for how long it must fire unacknowledged first; ``None``: none.
    """

    receiver: str
    key: str
    labels: Mapping[str, str]
    timing: Timing
    after_s: float | None = None


def seats(routing: Routing, labels: Mapping[str, str]) -> list[Seat]:
    """Those of an alert with these labels, ``severity`` among them.

    What is of severity ``none``, a sign of life, goes by no route, but to those who ask for it.
    """
    if labels.get("severity") == "none":
        shared = group_labels(HEARTBEAT_BY, labels)
        key = group_key(shared)
        return [
            Seat(each.name, key, shared, Timing(0.0, 0.0, each.heartbeat_s))
            for each in routing.receivers.values()
            if each.heartbeat_s is not None
        ]
    found: list[Seat] = []
    for route in routes_of(routing.root, labels) if routing.root is not None else ():
        shared, timing = group_labels(route.group_by, labels), Timing.of(route)
        key = group_key(shared)
        found.append(Seat(route.receiver, key, shared, timing))
        found += [
            Seat(step.receiver, key, shared, timing, step.after_s) for step in route.escalations
        ]
    return found


def end_timing(routing: Routing, labels: Mapping[str, str]) -> Timing:
    """How soon an end is told: the routes may be others by now than when it began."""
    if routing.root is None or labels.get("severity") == "none":
        return AT_ONCE
    routes = routes_of(routing.root, labels)
    timing = Timing.of(routes[0] if routes else routing.root)
    for route in routes[1:]:
        timing = timing.sooner(Timing.of(route))
    return timing


def labels_read(routing: Routing) -> frozenset[str] | None:
    """The labels from which seats follow; ``None``: all of them."""
    routes = [] if routing.root is None else list(every(routing.root))
    names = {"severity", *HEARTBEAT_BY}
    for route in routes:
        names |= {each.label for each in route.matchers} | set(route.group_by)
    return None if EVERY_LABEL in names else frozenset(names)
