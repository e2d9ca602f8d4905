"""``alerting.yaml`` of a project: receivers, routes and inhibitions, or all that is wrong in it.

Without the file nobody is told; alerts are on the topic, in the log and in the metrics all the
same. Secrets never stand in it: ``url_from`` and ``secret_from`` name a variable (``env:NAME``) or
a file (``file:/path``) that has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from shared.alerting import marked, scalars
from shared.alerting.marked import MOST_CHARACTERS, Problem, Reading
from shared.alerting.notifying.consequences import BUILT_IN
from shared.alerting.notifying.inhibition import Inhibition
from shared.alerting.notifying.matcher_reading import conditions
from shared.alerting.notifying.receiver import Receiver
from shared.alerting.notifying.receiver_reading import Secrets, receiver
from shared.alerting.notifying.route_reading import root
from shared.alerting.notifying.routing import Routing
from shared.contracts.errors import ConfigurationError

FILE = "alerting.yaml"

NOBODY = Routing(MappingProxyType({}), None, BUILT_IN)
"""Without a file."""


class RoutingInvalid(ConfigurationError):
    """Raised when ``alerting.yaml`` cannot be read; ``problems`` has all that is wrong in it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__(
            "\n".join([f"{FILE} is wrong:", *(str(problem) for problem in self.problems)]),
            "correct the file; `bergline check` reads it as well",
        )


def of_project(directory: Path) -> Mapping[str, str]:
    """The text of the file below a project's directory, by its name; empty without one.

    Raises:
        RoutingInvalid: it is no UTF-8 text.
        OSError: it cannot be read.
    """
    try:
        with (directory / FILE).open("rb") as file:
            content = file.read(4 * MOST_CHARACTERS + 1)
    except FileNotFoundError:
        return {}
    try:
        return {FILE: content.decode()}
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RoutingInvalid(
            [Problem(FILE, line, 1, "", "no UTF-8 text", "save it as UTF-8")]
        ) from None


def read(
    files: Mapping[str, str],
    environment: Mapping[str, str],
    *,
    time_scale: float = 1.0,
    text_of: Callable[[Path], str] = Path.read_text,
) -> Routing:
    """The routing of what :func:`of_project` found.

    Args:
        files: text by name.
        environment: has the variables that the file names.
        time_scale: all times of the file are multiplied with it.
        text_of: reads the files of secrets that the file names.

    Raises:
        RoutingInvalid: something is wrong; every problem is told, with its place.
    """
    problems: list[Problem] = []
    routing = NOBODY
    for file, text in files.items():
        reading = Reading(file, problems)
        node = marked.composed(reading, text)
        if node is not None:
            routing = _routing(reading, node, Secrets(environment, text_of), time_scale)
    if problems:
        raise RoutingInvalid(problems)
    return routing


def _routing(reading: Reading, node: yaml.Node, secrets: Secrets, scale: float) -> Routing:
    found = marked.fields(
        reading,
        node,
        ("receivers", "route", "inhibit"),
        of="the file",
        required=("receivers",),
    )
    receivers = _receivers(reading, found.get("receivers"), secrets, scale)
    alone = [each for each in receivers.values() if each.type == "alertmanager"]
    route = None
    if alone and (len(alone) < len(receivers) or "route" in found):
        reading.problem(
            found.get("route", found["receivers"]),
            "an Alertmanager routes and tells by itself",
            "have either receivers of type alertmanager and no route, or others",
        )
    elif "route" in found:
        route = root(reading, found["route"], frozenset(receivers), scale)
    elif receivers and not alone:
        reading.problem(node, "there are receivers and no `route`", "add `route: {receiver: …}`")
    inhibitions = _inhibitions(reading, found["inhibit"]) if "inhibit" in found else ()
    return Routing(MappingProxyType(receivers), route, (*BUILT_IN, *inhibitions))


def _receivers(
    reading: Reading, node: yaml.Node | None, secrets: Secrets, scale: float
) -> dict[str, Receiver]:
    found: dict[str, Receiver] = {}
    for each in () if node is None else marked.items(reading, node, of="`receivers`"):
        name = marked.peeked(each, "name")
        within = reading.within(f'receiver "{name}"' if name else "a receiver without name")
        made = receiver(within, each, secrets, scale)
        if made is not None and made.name in found:
            within.problem(each, "the name for the second time", "use another one")
        elif made is not None:
            found[made.name] = made
    return found


def _inhibitions(reading: Reading, node: yaml.Node) -> list[Inhibition]:
    found: list[Inhibition] = []
    for each in marked.items(reading, node, of="`inhibit`"):
        within = reading.within("an inhibition")
        parts = marked.fields(
            within, each, ("source", "target", "equal"), of="it", required=("source", "target")
        )
        if "source" in parts and "target" in parts:
            found.append(
                Inhibition(
                    conditions(within, parts["source"], of="`source`"),
                    conditions(within, parts["target"], of="`target`"),
                    scalars.names(within, parts["equal"], of="`equal`") if "equal" in parts else (),
                )
            )
    return found
