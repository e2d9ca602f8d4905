"""A new rule of a project, right as it is: from a template, or a copy of one that is built in."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from shared.alerting.in_words import span
from shared.alerting.reading import built_in
from shared.alerting.rule import Rule
from shared.contracts.errors import ConfigurationError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def write_rule(project: Path, name: str, replaces: Rule | None = None) -> Path:
    """Write ``rules/<name>.yaml`` of a project; the file.

    A rule that is built in, and that it ``replaces``, is copied: it is in force within seconds.

    Raises:
        ConfigurationError: the name cannot be a rule's, or the file is there already.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be a rule's name",
            "take up to 100 letters, digits and underscores, a letter first: TooManyFiles",
        )
    file = project / "rules" / f"{_WORDS.sub('_', name).lower()}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    template = "rule.yaml.txt" if replaces is None else "copied_rule.yaml.txt"
    text = (files("shared.alerting") / "templates" / template).read_text(encoding="utf-8")
    filled = {"name": name, "file": file}
    if replaces is not None:
        filled |= {"interval": span(replaces.interval_s), "rule": _as_written(replaces)}
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(Template(text).substitute(filled))
    except FileExistsError:
        raise ConfigurationError(
            f"{file} exists already", "take another name, or change what is there"
        ) from None
    return file


def _as_written(rule: Rule) -> str:
    """A built-in rule as it stands in its file, from its dash to what is no part of it."""
    first, *lines = built_in()[rule.place.file].splitlines()[rule.place.line - 1 :]
    written = [first]
    for line in lines:
        if line.strip() and _indentation(line) <= _indentation(first):
            break
        written.append(line)
    return "\n".join(written).rstrip()


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
