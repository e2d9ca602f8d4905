"""Rules from YAML files, with all that is wrong in them at once.

The rules that come with the platform are in ``builtin/``, an installation's own in ``rules/`` of
its project. A rule of the project that has the name of a built-in one replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path
from types import MappingProxyType

import yaml

from shared.alerting import marked, rule_reading, scalars
from shared.alerting.marked import MOST_CHARACTERS, Problem, Reading
from shared.alerting.rule import Rule, Rules
from shared.alerting.selecting import Signals
from shared.contracts.errors import ConfigurationError

BUILT_IN = "builtin/"
"""What the file names of built-in rules begin with."""

DEFAULT_INTERVAL_S = 60.0


class RulesInvalid(ConfigurationError):
    """Raised when rules cannot be read; ``problems`` has all that is wrong, by place."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        count = f"{len(problems)} problems" if len(problems) > 1 else "a problem"
        super().__init__(
            "\n".join([f"rules with {count}:", *(str(problem) for problem in self.problems)]),
            "correct the files; `bergline check` reads them as well",
        )


def built_in() -> Mapping[str, str]:
    """The files of the built-in rules: name, which begins with :data:`BUILT_IN`, and text."""
    found = resources("shared.alerting").joinpath("builtin").iterdir()
    return {
        BUILT_IN + file.name: file.read_text(encoding="utf-8")
        for file in sorted(found, key=lambda file: file.name)
        if file.name.endswith(".yaml")
    }


def of_project(directory: Path) -> Mapping[str, str]:
    """The rule files of a project: ``rules/*.yaml`` below its directory, by name.

    Raises:
        RulesInvalid: a file is no UTF-8 text, or far too large.
        OSError: a file cannot be read.
    """
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted((directory / "rules").glob("*.yaml")):
        name = f"rules/{path.name}"
        with path.open("rb") as file:
            content = file.read(4 * MOST_CHARACTERS + 1)
        try:
            texts[name] = content.decode()
        except UnicodeDecodeError as error:
            if len(content) <= 4 * MOST_CHARACTERS:
                line = content.count(b"\n", 0, error.start) + 1
                problems.append(Problem(name, line, 1, "", "no UTF-8 text", "save it as UTF-8"))
            else:  # cut within a character; too long in any case
                texts[name] = content.decode(errors="replace")
    if problems:
        raise RulesInvalid(problems)
    return texts


def read(files: Mapping[str, str], *, known: Signals, time_scale: float = 1.0) -> Rules:
    """The rules of some files, by name: of every one or of none.

    ``known`` has the signals that rules may name, with their labels. All times of rules (``for``,
    ``keep_firing_for``, ``over``, intervals, thresholds written as durations) are multiplied with
    ``time_scale``.

    Raises:
        RulesInvalid: something is wrong in a file; every problem is told, with its place.
    """
    problems: list[Problem] = []
    found: dict[bool, dict[str, Rule]] = {True: {}, False: {}}
    first: dict[tuple[bool, str], str] = {}
    for file in sorted(files):
        reading = Reading(file, problems)
        root = marked.composed(reading, files[file])
        if root is None:
            continue
        ours = file.startswith(BUILT_IN)
        for where, node, interval, group in _groups(reading, root):
            name = marked.peeked(node, "alert")
            place = f"{file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
            within = where.within(f'rule "{name}"' if name else "a rule without name")
            if name and (other := first.setdefault((ours, name), place)) != place:
                within.problem(node, f"the name is that of the rule at {other}", "use another one")
            rule = rule_reading.rule(
                within, node, known, group=group, interval_s=interval, scale=time_scale
            )
            if rule is not None:
                found[ours][name] = rule
    if problems:
        raise RulesInvalid(problems)
    return MappingProxyType({**found[True], **found[False]})


def _groups(reading: Reading, root: yaml.Node) -> list[tuple[Reading, yaml.Node, float, str]]:
    """Every rule of a file: where, its node, the interval and the name of its group."""
    found: list[tuple[Reading, yaml.Node, float, str]] = []
    top = marked.fields(reading, root, ("groups",), of="the file", required=("groups",))
    if "groups" not in top:
        return found
    names: set[str] = set()
    for node in marked.items(reading, top["groups"], of="`groups`"):
        name = marked.peeked(node, "name")
        within = reading.within(f'group "{name}"' if name else "a group without name")
        parts = marked.fields(
            within,
            node,
            ("name", "interval", "rules"),
            of="the group",
            required=("name", "rules"),
        )
        if "name" in parts and scalars.text(within, parts["name"], of="`name`") in names:
            within.problem(parts["name"], "the name for the second time", "use another one")
        names.add(name)
        interval: float | None = DEFAULT_INTERVAL_S
        if "interval" in parts:
            interval = scalars.duration(within, parts["interval"], of="`interval`")
            if interval == 0:
                within.problem(parts["interval"], "an interval of nothing", "write for example 1m")
        if "rules" in parts:
            rules = marked.items(within, parts["rules"], of="`rules`")
            found += [(within, rule, interval or 1.0, name) for rule in rules]
    return found
