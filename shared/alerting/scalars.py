"""Single values of YAML files: texts, numbers, durations, one of some words."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

import yaml

from shared.alerting.marked import Reading, like

DURATION = re.compile(
    r"(?=[0-9])(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?"
    r"(?:([0-9]+)ms)?"
)
"""As Prometheus has them, without years: ``1h30m``, ``500ms``."""

_SECONDS = (7 * 86400, 86400, 3600, 60, 1, 0.001)
_NULL = "tag:yaml.org,2002:null"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def seconds(text: str) -> float | None:
    """The seconds that a duration has; ``None`` when it is none. ``0`` needs no unit."""
    if text == "0":
        return 0.0
    found = DURATION.fullmatch(text)
    if found is None:
        return None
    return float(sum(int(n) * unit for n, unit in zip(found.groups("0"), _SECONDS, strict=True)))


def text(reading: Reading, node: yaml.Node, *, of: str) -> str | None:
    """A text that is not empty; numbers and the like are taken as they are written."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL or not node.value.strip():
        reading.problem(node, f"{of} is no text", "write one")
        return None
    return str(node.value).strip()


def is_number(node: yaml.Node) -> bool:
    """Whether a node is written as a number."""
    return isinstance(node, yaml.ScalarNode) and node.tag in _NUMBERS


def number(reading: Reading, node: yaml.Node, *, of: str) -> float | None:
    """A finite number."""
    if is_number(node):
        try:
            value = float(node.value.replace("_", ""))
        except ValueError:  # octal, hexadecimal, sexagesimal
            value = math.nan
        if math.isfinite(value):
            return value
    reading.problem(node, f"{of} is no number", "write it in decimal digits")
    return None


def duration(reading: Reading, node: yaml.Node, *, of: str) -> float | None:
    """A duration in seconds."""
    value = seconds(node.value) if isinstance(node, yaml.ScalarNode) else None
    if value is None:
        reading.problem(node, f"{of} is no duration", "write for example 30s, 10m, 1h30m or 2d")
    return value


def word(reading: Reading, node: yaml.Node, known: Collection[str], *, of: str) -> str | None:
    """One of some words."""
    written = node.value if isinstance(node, yaml.ScalarNode) else None
    if isinstance(written, str) and written in known:
        return written
    shown = repr(written) if isinstance(written, str) else "this"
    reading.problem(node, f"{of} cannot be {shown}", like(written or "", known))
    return None


def names(reading: Reading, node: yaml.Node, *, of: str) -> tuple[str, ...]:
    """Names in a list, which may be empty, or one alone."""
    if isinstance(node, yaml.ScalarNode):
        parts = [node]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    else:
        reading.problem(node, f"{of} is no list of names", "write `[…]`")
        return ()
    found = [text(reading, part, of=of) for part in parts]
    return tuple(dict.fromkeys(name for name in found if name is not None))
