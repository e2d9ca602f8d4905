"""Matchers as operators write them, and whether an alert matches.

The form is Alertmanager's: ``severity=critical``, ``table=~"raw\\..*"``, ``team!=platform``. A
label that an alert does not have equals the empty text. ``alertname``, ``severity`` and ``team``
are labels like the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import get_args

from shared.alerting.patterns import check, compiled
from shared.contracts.alerts import Matcher
from shared.contracts.errors import ConfigurationError

_WRITTEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_OPS = get_args(Matcher.model_fields["op"].annotation)


def parse(text: str) -> Matcher:
    """One matcher; the value may stand in double quotes, as JSON has them.

    Raises:
        ConfigurationError: it is none, or its regular expression is wrong.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            f"{text!r} is no matcher", f"write LABEL, one of {' '.join(_OPS)}, and a value"
        )
    label, op, value = found.groups()
    if value.startswith('"'):
        try:
            value = str(json.loads(value, strict=False))
        except ValueError:
            raise ConfigurationError(
                f"{text!r}: the value does not end at its second quote",
                'write quotes inside it as \\", backslashes as \\\\',
            ) from None
    if op in ("=~", "!~"):
        check(value, text)
    return Matcher(label=label, op=op, value=value)


def parse_lines(text: str) -> tuple[Matcher, ...]:
    """One matcher a line; empty lines are passed over. As :func:`parse`, which see for errors."""
    return tuple(parse(line) for line in text.splitlines() if line.strip())


def written(matcher: Matcher) -> str:
    """The text that :func:`parse` reads as this matcher; always in one line."""
    return f"{matcher.label}{matcher.op}{json.dumps(matcher.value)}"


def matches(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether all of the matchers hold for these labels; what is no expression never does."""
    for matcher in matchers:
        value = labels.get(matcher.label, "")
        if matcher.op == "=":
            if value != matcher.value:
                return False
        elif not _holds(matcher, value):
            return False
    return True


def _holds(matcher: Matcher, value: str) -> bool:
    if matcher.op == "!=":
        return value != matcher.value
    expression = compiled(matcher.value)
    if expression is None:
        return False
    return (expression.fullmatch(value) is not None) is (matcher.op == "=~")
