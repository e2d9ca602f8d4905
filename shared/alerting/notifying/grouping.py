"""What is told together: alerts of one receiver that have the same values of some labels."""

from __future__ import annotations

from collections.abc import Mapping

from shared.alerting.notifying.routing import EVERY_LABEL


def group_labels(group_by: tuple[str, ...], labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that an alert shares with its group; those that it does not have are left out."""
    names = sorted(labels) if EVERY_LABEL in group_by else sorted(group_by)
    return {name: labels[name] for name in names if labels.get(name)}


def group_key(shared: Mapping[str, str]) -> str:
    """A group's name: ``name=value`` pairs joined with commas; the same for the same labels.

    Commas and backslashes in values are written with a backslash before them.
    """
    return ",".join(
        f"{name}={value.replace(chr(92), chr(92) * 2).replace(',', chr(92) + ',')}"
        for name, value in sorted(shared.items())
    )


def teller_of(shared: Mapping[str, str]) -> str:
    """By what is dealt which alerter tells a group: its rule where it is of one, else its name.

    A group by ``alertname`` is told where its rule is evaluated; any other one, of which several
    alerters may evaluate the rules, by one of them, whole.
    """
    return shared.get("alertname") or group_key(shared)


def labels_of_key(key: str) -> dict[str, str]:
    """The labels of which :func:`group_key` made a name."""
    found: dict[str, str] = {}
    part, escaped = "", False
    for char in f"{key},":
        if escaped or char not in "\\,":
            part, escaped = part + char, False
        elif char == "\\":
            escaped = True
        elif part:
            name, _, value = part.partition("=")
            found[name], part = value, ""
    return found
