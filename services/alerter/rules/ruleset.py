"""The rules and routes in force: rules that come with the platform, and the project's files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from services.alerter.rules.kept_files import KeptFiles
from shared.alerting.notifying import configuration
from shared.alerting.notifying.routing import Routing
from shared.alerting.reading import built_in, of_project, read
from shared.alerting.rule import Rules
from shared.runtime.metrics import SIGNALS


def rule_files(project: Path | None, time_scale: float) -> KeptFiles[Rules]:
    """The rules of a project, which need not exist, beside those of the platform.

    Where a project's files are wrong at the start, the platform's rules stand in.
    """
    ours = built_in()

    def texts() -> Mapping[str, str]:
        return {} if project is None else of_project(project)

    def rules(theirs: Mapping[str, str]) -> Rules:
        return read({**ours, **theirs}, known=SIGNALS, time_scale=time_scale)

    return KeptFiles("rules", texts, rules, rules({}))


def route_file(project: Path | None, time_scale: float) -> KeptFiles[Routing]:
    """``alerting.yaml`` of a project; without it, or while it never was right, nobody is told."""

    def texts() -> Mapping[str, str]:
        return {} if project is None else configuration.of_project(project)

    def routing(found: Mapping[str, str]) -> Routing:
        return configuration.read(found, os.environ, time_scale=time_scale)

    return KeptFiles("receivers and routes", texts, routing, configuration.NOBODY)
