"""Conditions on labels from YAML: ``{severity: critical, table: "=~raw.*", team: "!=x"}``."""

from __future__ import annotations

import json

import yaml

from shared.alerting import scalars
from shared.alerting.marked import Reading
from shared.alerting.matchers import parse
from shared.contracts.alerts import Matcher
from shared.contracts.errors import ConfigurationError

_OPS = ("=~", "!~", "!=")


def conditions(reading: Reading, node: yaml.Node, *, of: str) -> tuple[Matcher, ...]:
    """The matchers of a mapping of labels; at least one, or a problem is noted."""
    if not isinstance(node, yaml.MappingNode) or not node.value:
        reading.problem(node, f"{of} is no mapping of labels", "write `{label: value}`")
        return ()
    found: list[Matcher] = []
    for key, value in node.value:
        label = scalars.text(reading, key, of="a label")
        if label is None:
            continue
        if not isinstance(value, yaml.ScalarNode):
            reading.problem(value, f"`{label}` is no text", "write one value")
            continue
        written = str(value.value)
        op = next((each for each in _OPS if written.startswith(each)), "=")
        rest = written.removeprefix(op) if op != "=" else written
        try:
            found.append(parse(f"{label}{op}{json.dumps(rest)}"))
        except ConfigurationError as error:
            reading.problem(value, error.what, error.next_step or "")
    return tuple(found)
