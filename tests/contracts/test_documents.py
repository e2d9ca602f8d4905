"""The documents are true: what they name exists, and every command is one that can be typed.

A path, link, anchor, module, make target, command, option, topic, table, metric or variable that
the code no longer has fails here, with the document that still names it.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy.reference.settings import documented
from shared.alerting.reading import built_in
from shared.alerting.reading import read as read_rules
from shared.cli.main import COMMANDS
from shared.runtime.metrics import METRICS, SIGNALS
from shared.sources.topics import TOPICS
from shared.tables.registry import TABLES
from tests.support.broker import CHOICE
from tests.support.source_code import ROOT, modules, texts

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "deploy" / "runbook").glob("*.md")])
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
EXPECTED = {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"}

PATH = re.compile(r"(?:services|shared|deploy|tests|\.ci)(?:/[\w.*-]+)*/?")
ROOT_FILE = re.compile(r"(?:[A-Z]+\.md|Makefile|LICENSE|pyproject\.toml|requirements\.lock)")
DOTTED = re.compile(r"python3? -m ((?:services|shared|deploy|tests)[\w.]*)")
TOPIC = re.compile(r"(?:shopify|stripe|dlq|lakehouse)\.[a-z_-]+")
TABLE = re.compile(r"(?:raw|metadata|staging|marts)\.[a-z_]+")
METRIC = re.compile(r"(?:lakehouse|http)_[a-z_]+")
VARIABLE = re.compile(r"BERGLINE_[A-Z0-9_]*[A-Z0-9]")
STOPS = re.compile(r"([A-Z][A-Za-z]+): ")
"""How a text begins that tells why something is not consumed."""

USAGE_ERROR: Any = typer.BadParameter.__base__

KNOWN_HOSTS = {
    "127.0.0.1", "keepachangelog.com", "semver.org", "www.conventionalcommits.org",
    "www.standardwebhooks.com", "appriseit.com", "hooks.example",
}  # fmt: skip
"""Where a reader may be sent, and a name of nobody's. A registry is the reader's own choice."""
OF_A_READERS_OWN = "BERGLINE_INGEST_ACME_SECRETS"
"""Setting of the source that a reader is led to add."""
MACHINE_PATH = re.compile(r"(?<![\w.}/])/(?:home|root|Users|mnt|opt|tmp|var|work)\b")


SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
"""A section: its heading and its text."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def spans(text: str) -> Iterator[str]:
    """Inline code, fences left out."""
    prose = re.sub(r"^[ ]*```.*?^[ ]*```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", prose)


def shell_lines(text: str) -> Iterator[str]:
    """Lines of shell fences, continued lines joined."""
    for body in re.findall(r"^[ ]*```bash\n(.*?)^[ ]*```", text, re.DOTALL | re.MULTILINE):
        yield from (line.strip() for line in body.replace("\\\n", " ").splitlines())


def commands(text: str, program: str) -> Iterator[list[str]]:
    """Arguments of every call of a program, in shell fences and inline code."""
    for line in [*shell_lines(text), *spans(text)]:
        found = re.fullmatch(rf"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?{program}((?: .*)?)", line)
        if found:
            words = shlex.split(found[1], comments=True)
            yield list(takewhile(lambda word: word not in (">", ">>", "|"), words))


@cache
def command_of(name: str) -> Any:
    """Typer carries its own copy of click, without public names for its classes."""
    return typer.main.get_command(importlib.import_module(COMMANDS[name].module).app)


def wrong_with(arguments: list[str]) -> str | None:
    """Why ``bergline`` would refuse these arguments; ``None`` when it would not."""
    if not arguments or arguments in (["--help"], ["--debug"]):
        return None
    name, *rest = arguments
    if name not in COMMANDS:
        return f"no command {name}"
    command = command_of(name)
    # `topics` alone names the group, `offsets adopt` alone the command.
    while rest and hasattr(command, "commands"):
        word, *rest = rest
        if word not in command.commands:
            return f"no command {name} {word}"
        command = command.commands[word]
    if rest:
        try:
            command.make_context(name, rest)
        except USAGE_ERROR as error:
            return str(error.format_message())
    return None


def slug(heading: str) -> str:
    """The anchor that a heading gets on the usual forges."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


def anchors(path: Path) -> set[str]:
    text = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_the_documents_are_there() -> None:
    assert set(NAMES) >= EXPECTED


@pytest.mark.parametrize("name", NAMES)
def test_every_path_exists(name: str) -> None:
    named = [
        span for span in spans(read(name)) if PATH.fullmatch(span) or ROOT_FILE.fullmatch(span)
    ]
    missing = [path for path in named if not list(ROOT.glob(path.rstrip("/")))]
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_every_link_and_anchor_resolves(name: str) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", read(name)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("name", NAMES)
def test_every_command_can_be_typed(name: str) -> None:
    wrong = {
        " ".join(arguments): why
        for arguments in commands(read(name), "bergline")
        if (why := wrong_with(arguments)) is not None
    }
    assert not wrong


def test_a_command_that_cannot_be_typed_is_noticed() -> None:
    for wrong in ("upp", "topics remove", "up --detached", "trace a b", "offsets adopt raw.a"):
        assert wrong_with(shlex.split(wrong)) is not None, wrong
    for right in ("query", "topics", "offsets adopt", "counts raw.shopify_orders --output json"):
        assert wrong_with(shlex.split(right)) is None, right


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_and_module_exists(name: str) -> None:
    text = read(name)
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    unknown = [call for call in commands(text, "make") if call and call[0] not in targets]
    lines = [*shell_lines(text), *spans(text)]
    named = [module for line in lines for module in DOTTED.findall(line)]
    assert not unknown
    assert not [module for module in named if importlib.util.find_spec(module) is None]


@pytest.mark.parametrize("name", NAMES)
def test_every_topic_table_metric_and_variable_is_declared(name: str) -> None:
    text = read(name)
    inline = list(spans(text))
    settings = {each.variable for group in documented().values() for each in group}
    settings |= {CHOICE, OF_A_READERS_OWN}
    files = {path.name for path in ROOT.rglob("*.json") if ".venv" not in path.parts}
    assert not {span for span in inline if TOPIC.fullmatch(span)} - set(TOPICS) - files
    assert not {span for span in inline if TABLE.fullmatch(span)} - set(TABLES)
    assert not {span for span in inline if METRIC.fullmatch(span)} - set(METRICS)
    assert not set(VARIABLE.findall(text.replace("BERGLINE_…", ""))) - settings


@pytest.mark.parametrize("name", NAMES)
def test_no_machine_and_no_foreign_host_is_named(name: str) -> None:
    text = read(name)
    assert not MACHINE_PATH.findall(text)
    assert not set(re.findall(r"https?://([^/:\s)\"]+)", text)) - KNOWN_HOSTS


def test_every_rule_has_its_section_in_the_runbook_and_every_section_is_of_a_rule() -> None:
    rules = list(read_rules(built_in(), known=SIGNALS).values())
    page = read("deploy/runbook/alerts.md")
    sections = {slug(title): body for title, body in SECTION.findall(page)}
    places = [rule.runbook.split("#") for rule in rules]
    assert {page for page, _ in places} == {"alerts"}
    assert {anchor for _, anchor in places} == set(sections)
    for rule, (_, anchor) in zip(rules, places, strict=True):
        body = sections[anchor]
        assert body.lstrip().startswith(f"`{rule.name}`"), f"{anchor} does not begin with its rule"
        assert "**Impact" in body, anchor
        assert list(commands(body, "bergline")), f"{anchor} has nothing to type"


def test_every_text_that_stops_a_partition_has_its_place_in_the_runbook() -> None:
    page = ROOT / "deploy" / "runbook" / "stream_writer.md"
    stops = {
        found[1]
        for module in modules()
        if module.inside("services.stream_writer", "shared.lake")
        for text, _ in texts(module)
        if (found := STOPS.match(text))
    }
    assert stops >= {"LogReplaced", "LogTruncated", "PositionsLost", "TooManyBadRecords"}
    assert {slug(stop) for stop in stops} <= anchors(page)
