"""Every panel of every dashboard shows something of a running platform.

A real Prometheus scrapes it while webhooks come in, and is asked every expression, Grafana's
``$__rate_interval`` filled in as Grafana would for these scrapes. No Grafana server draws it here.
"""

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import deploy.prometheus
from deploy.generator.plan import plan
from deploy.grafana.catalogue import DASHBOARDS
from deploy.grafana.expressions import INTERVAL
from shared.runtime.metrics import METRICS
from tests.support.derived_platform import complete, post
from tests.support.metric_names import names_in
from tests.support.platform import EmbeddedPlatform
from tests.support.prometheus import Prometheus, needs_prometheus, prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), needs_prometheus]

RULES = Path(deploy.prometheus.__file__).parent / "rules" / "bergline.rules.yml"
SERVICES = ("ingest", "stream_writer", "transformer", "maintainer", "alerter")
QUICK = {
    "BERGLINE_MAINTAINER_LOOK_S": "5",
    "BERGLINE_MAINTAINER_EXPIRE_S": "15",
    "BERGLINE_TRANSFORMER_RECONCILE_S": "2",
    "BERGLINE_TRANSFORMER_WORKERS": "1",
}
RECEIVER = """\
receivers:
  - {name: desk, type: webhook, url: "http://127.0.0.1:1/", heartbeat: 1s}
route: {receiver: desk}
"""
"""Nobody is there: attempts are counted all the same."""
SHOWN_WITHIN_S = 45.0
STEP_S = 2.0
WINDOW = "10s"


@dataclass(frozen=True, slots=True)
class Scraped:
    """A platform that had traffic, and the Prometheus that scraped it from its beginning."""

    prometheus: Prometheus
    began: float

    def shows(self, expression: str) -> bool:
        """Whether there was a number at any time."""
        filled = expression.replace(INTERVAL, WINDOW)
        return any(
            not math.isnan(float(value))
            for series in self.prometheus.over_time(filled, self.began, STEP_S)
            for _, value in series["values"]
        )

    def expressions(self) -> set[str]:
        """Of all panels that are not normally empty."""
        return {
            query.expression
            for dashboard in DASHBOARDS.values()
            for panel in dashboard.panels
            for query in panel.queries
            if not panel.quiet
        }

    def empty(self, *, quiet: bool) -> list[str]:
        """Panels, with their expressions that never had a number; normally empty ones or not."""
        return [
            f"{row.title} | {panel.title} | {query.expression}"
            for dashboard in DASHBOARDS.values()
            for row in dashboard.rows
            for panel in row.panels
            for query in panel.queries
            if bool(panel.quiet) == quiet and not self.shows(query.expression)
        ]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    directory: Path = tmp_path_factory.mktemp("platform")
    project = directory / "project"
    project.mkdir()
    (project / "alerting.yaml").write_text(RECEIVER)
    environment = {**QUICK, "BERGLINE_PROJECT": str(project)}
    platform = EmbeddedPlatform(directory, environment=environment)
    try:
        platform.start()
        targets = {name: platform.url(name).removeprefix("http://") for name in SERVICES}
        with prometheus(directory, targets) as server:
            found = Scraped(server, time.time())
            for seed in (7, 8, 9):  # a rate is seen of what was there before; first builds are full
                post(platform, plan(seed, 150))
                complete(platform)
            empty = deque(found.expressions())
            deadline = time.monotonic() + SHOWN_WITHIN_S
            while empty and time.monotonic() < deadline:
                if found.shows(empty[0]):  # and shows it for good: it is asked from the beginning
                    empty.popleft()
                else:
                    time.sleep(1)
            yield found
    finally:
        platform.close()


def test_every_panel_shows_something(scraped: Scraped) -> None:
    """Empty are only panels that say why."""
    print("normally empty, and empty here:", *scraped.empty(quiet=True), sep="\n")

    assert scraped.empty(quiet=False) == []


def test_every_metric_that_dashboards_ask_for_is_exposed(scraped: Scraped) -> None:
    asked = {
        name
        for dashboard in DASHBOARDS.values()
        for panel in dashboard.panels
        for query in panel.queries
        for name in names_in(query.expression)
    }
    families = scraped.prometheus.families()

    assert asked & METRICS.keys() <= families.keys()


def test_every_exported_rule_is_answered_and_finds_nothing_wrong(scraped: Scraped) -> None:
    """The same rules, asked of what a running alerter exposes: the sign of life is all there is.

    Left out are freshness, as a platform in its first minute, Ray starting, may be late by right,
    and the room of the machine's disk.
    """
    groups = yaml.safe_load(RULES.read_text())["groups"]
    found = {
        rule["alert"]: scraped.prometheus.query(rule["expr"])
        for group in groups
        for rule in group["rules"]
    }
    asked = {name for group in groups for rule in group["rules"] for name in names_in(rule["expr"])}

    assert asked <= scraped.prometheus.families().keys()
    assert found.pop("AlerterAlive") != []
    del found["FreshnessObjectiveBurn"], found["MinIOStorageAlmostFull"]
    assert {name: series for name, series in found.items() if series} == {}
