"""Which files are generated, and whether those on disk are what the declarations say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from deploy.grafana import rendering
from deploy.grafana.catalogue import DASHBOARDS
from deploy.prometheus import rule_tests, rules_file
from deploy.prometheus.scenarios import SCENARIOS
from deploy.reference import (
    asyncapi,
    broker,
    events,
    metrics,
    rules,
    schemas,
    settings,
    sources,
    tables,
    topics,
)
from shared.contracts.registry import EVENTS
from shared.runtime.errors import CheckFailed, Refused

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "bergline documents"

SCHEMAS = "shared/contracts/schemas"

DOCUMENTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        **{
            f"{SCHEMAS}/{event.type}.schema.json": schemas.document(event)
            for event in EVENTS.values()
        },
        "shared/contracts/asyncapi.json": asyncapi.document,
        "deploy/reference/sources.md": sources.page,
        "deploy/reference/topics.md": topics.page,
        "deploy/reference/events.md": events.page,
        "deploy/reference/tables.md": tables.page,
        "deploy/reference/metrics.md": metrics.page,
        "deploy/reference/settings.md": settings.page,
        "deploy/reference/broker.md": broker.page,
        "deploy/prometheus/rules/bergline.rules.yml": rules_file.document,
        **{
            f"deploy/prometheus/tests/{group}.test.yml": rule_tests.document(group)
            for group in SCENARIOS
        },
        **{
            f"deploy/grafana/dashboards/{name}.json": partial(rendering.document, dashboard)
            for name, dashboard in DASHBOARDS.items()
        },
        ".env.example": settings.env_example,
        "README.md": sources.readme,
        "deploy/runbook/alerts.md": rules.runbook,
    }
)
"""Path from the root of the checkout → what renders the file."""


def _leftovers(root: Path) -> list[Path]:
    """Schemas of event types that no longer exist."""
    found = sorted((root / SCHEMAS).glob("*.json"))
    return [path for path in found if path.relative_to(root).as_posix() not in DOCUMENTS]


def stale(root: Path) -> list[str]:
    """Generated files that are missing, differ from their declaration, or have none any more."""
    differing = [
        name
        for name, render in DOCUMENTS.items()
        if not (path := root / name).is_file() or path.read_text(encoding="utf-8") != render()
    ]
    return differing + [path.relative_to(root).as_posix() for path in _leftovers(root)]


def check(root: Path) -> None:
    """Compare, write nothing.

    Raises:
        CheckFailed: files are stale; the message names each and the command that refreshes them.
    """
    if names := stale(root):
        raise CheckFailed(
            "generated files are stale: " + ", ".join(names),
            f"run `{COMMAND}` and commit the result",
        )


def write(root: Path) -> list[Path]:
    """Write what is stale, delete what has no declaration; the paths touched.

    Raises:
        Refused: ``root`` is not a checkout, for example an installed wheel.
    """
    if not (root / "pyproject.toml").is_file():
        raise Refused(f"{root} is not a checkout of Bergline", f"run `{COMMAND}` in a checkout")
    leftovers = _leftovers(root)
    touched = [root / name for name in stale(root)]
    for path in touched:
        if path in leftovers:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DOCUMENTS[path.relative_to(root).as_posix()](), encoding="utf-8")
    return touched
