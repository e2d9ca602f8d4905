"""YAML as nodes that know their place, and problems that say file, line and column.

Only plain YAML is taken: no tags, no anchors and aliases, and bounds on size and depth, so that a
file cannot cost more than it has bytes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import yaml

MOST_CHARACTERS = 256 * 1024
MOST_DEPTH = 24

_HALF = re.compile("[\ud800-\udfff]")
"""What YAML can escape, and no file or topic can hold."""


class _Mark(Protocol):
    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong in a file. Printed as ``file:line:column: where: what; what to do``."""

    file: str
    line: int
    column: int
    where: str
    what: str
    next_step: str

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        step = f"; {self.next_step}" if self.next_step else ""
        return f"{self.file}:{self.line}:{self.column}: {where}{self.what}{step}"


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a reader is, and the problems found so far, which all readings of a run share."""

    file: str
    problems: list[Problem]
    where: str = ""

    def within(self, where: str) -> Reading:
        """The same file, further in: ``group "x"``, ``rule "Y"``."""
        return replace(self, where=f"{self.where}, {where}" if self.where else where)

    def problem(self, node: yaml.Node, what: str, next_step: str = "") -> None:
        """Note what is wrong at ``node``."""
        mark = node.start_mark
        self.problems.append(
            Problem(self.file, mark.line + 1, mark.column + 1, self.where, what, next_step)
        )

    def problem_at(self, mark: _Mark | None, what: str, next_step: str = "") -> None:
        """Note what is wrong at a mark; at the beginning of the file without one."""
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.problems.append(Problem(self.file, line, column, self.where, what, next_step))


def composed(reading: Reading, text: str) -> yaml.Node | None:
    """The only document of a file; ``None`` when there is none, or with a problem noted."""
    if len(text) > MOST_CHARACTERS:
        reading.problem_at(
            None, f"more than {MOST_CHARACTERS // 1024} kB", "split the file into several"
        )
        return None
    try:
        if not _plain(reading, text):
            return None
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        said = " ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        reading.problem_at(mark, f"not YAML: {said}", "correct it")
    except yaml.reader.ReaderError as error:
        *above, beside = text[: error.position].split("\n")
        mark = yaml.Mark(reading.file, error.position, len(above), len(beside), None, 0)
        what = f"not YAML: a character {ord(text[error.position]):#04x}"
        reading.problem_at(mark, what, "leave it out")
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter of "\UFFFFFFFF"
        reading.problem_at(None, f"not YAML: {error}".replace("\n", " "), "correct it")
    return None


def _plain(reading: Reading, text: str) -> bool:
    """Whether it has neither aliases nor tags nor broken characters, nor is nested too deeply."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            reading.problem_at(event.start_mark, "an anchor or alias", "write the value out")
            return False
        if getattr(event, "tag", None):
            reading.problem_at(event.start_mark, "a tag", "leave it out: values are plain")
            return False
        if isinstance(event, yaml.ScalarEvent) and _HALF.search(event.value):
            reading.problem_at(event.start_mark, "half of a character", "write it as \\U0001F600")
            return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH:
            reading.problem_at(event.start_mark, "nested too deeply", "make it flatter")
            return False
    return True


def like(word: str, known: Iterable[str]) -> str:
    """``did you mean …?`` for a word that is not known, or what there is to choose from."""
    names = sorted(known)
    if close := difflib.get_close_matches(word, names, n=1, cutoff=0.6):
        return f"did you mean {close[0]}?"
    return f"use one of {', '.join(names)}" if 0 < len(names) <= 12 else ""


def fields(
    reading: Reading,
    node: yaml.Node,
    known: Collection[str],
    *,
    of: str,
    required: Collection[str] = (),
) -> dict[str, yaml.Node]:
    """The values of a mapping by key, as far as they are known; the rest is a problem each."""
    if not isinstance(node, yaml.MappingNode):
        reading.problem(node, f"{of} is no mapping", f"write `{next(iter(known))}: …`")
        return {}
    found: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        if key not in known:
            reading.problem(key_node, f"unknown key {key!r} of {of}", like(key, known))
        elif key in found:
            reading.problem(key_node, f"key {key!r} for the second time", "keep one of them")
        else:
            found[key] = value
    for key in required:
        if key not in found:
            reading.problem(node, f"{of} has no {key!r}", f"add `{key}: …`")
    return found


def items(reading: Reading, node: yaml.Node, *, of: str) -> list[yaml.Node]:
    """The parts of a list that has at least one."""
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        reading.problem(node, f"{of} is no list of at least one", "write `- …` or `[…]`")
        return []
    return list(node.value)


def peeked(node: yaml.Node, key: str) -> str:
    """The text under a key, to say where a reader is; empty when there is none."""
    if isinstance(node, yaml.MappingNode):
        for found, value in node.value:
            if found.value == key and isinstance(value, yaml.ScalarNode):
                return str(value.value)
    return ""
