"""Which receivers an alert goes to: a tree of routes, as Alertmanager's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.alerting.matchers import matches
from shared.alerting.notifying.inhibition import Inhibition
from shared.alerting.notifying.receiver import Receiver
from shared.contracts.alerts import Matcher

GROUP_WAIT_S = 10.0
GROUP_INTERVAL_S = 60.0
REPEAT_INTERVAL_S = 4 * 3600.0
GROUP_BY = ("alertname",)
EVERY_LABEL = "..."
"""In ``group_by``: each alert is a group of its own."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Another receiver, for what fires and is not acknowledged for longer than ``after_s``."""

    after_s: float
    receiver: str


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree. What it does not say itself it has from its parent.

    Attributes:
        receiver: who is told.
        matchers: all must match; none: everything does.
        group_by: labels by whose values alerts are told together.
        group_wait_s: how long a new group waits for further alerts before it is told.
        group_interval_s: least time between two notifications of a group.
        repeat_interval_s: how often a group is told again of which nothing is new.
        escalations: who is told besides when nobody acknowledges.
        continues: whether routes behind this one are tried as well when it matches.
        routes: tried first, in order; an alert that matches none of them is this one's.
    """

    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = GROUP_BY
    group_wait_s: float = GROUP_WAIT_S
    group_interval_s: float = GROUP_INTERVAL_S
    repeat_interval_s: float = REPEAT_INTERVAL_S
    escalations: tuple[Escalation, ...] = ()
    continues: bool = False
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """Who is told what.

    Attributes:
        receivers: by name.
        root: the tree; ``None``: nobody is told by routes.
        inhibitions: what explains what.
    """

    receivers: Mapping[str, Receiver]
    root: Route | None
    inhibitions: tuple[Inhibition, ...]


def routes_of(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """The routes that an alert takes from here, none when it does not match."""
    if not matches(route.matchers, labels):
        return []
    found: list[Route] = []
    for child in route.routes:
        taken = routes_of(child, labels)
        found += taken
        if taken and not child.continues:
            break
    return found or [route]


def every(route: Route) -> Iterator[Route]:
    """A route and all below it."""
    yield route
    for child in route.routes:
        yield from every(child)
