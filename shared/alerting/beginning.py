"""A new rule of a project, written from a template: it is right as it is."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

from shared.contracts.errors import ConfigurationError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def write_rule(project: Path, name: str) -> Path:
    """Write ``rules/<name>.yaml`` of a project; the file.

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
    text = (files("shared.alerting") / "templates" / "rule.yaml.txt").read_text(encoding="utf-8")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(Template(text).substitute(name=name, file=file))
    except FileExistsError:
        raise ConfigurationError(
            f"{file} exists already", "take another name, or change what is there"
        ) from None
    return file
