"""What an alerter answers over HTTP: pages, readiness with notes, and its metrics."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from services.alerter.alert_metrics import AlertMetrics
from services.alerter.config import AlerterSettings
from services.alerter.delivery.delivery import Delivery
from services.alerter.delivery.telling import Telling
from services.alerter.evaluation.evaluation import Evaluation
from services.alerter.group.dealing import Dealing
from services.alerter.handlers import Handlers
from services.alerter.journal.journal import Journal
from services.alerter.pages import alerts_page, broken_notes, counted, rules_page
from services.alerter.rules.kept_files import KeptFiles
from shared.alerting.notifying.routing import Routing
from shared.alerting.rule import Rules
from shared.runtime.health import served
from shared.runtime.metrics import Instruments


@dataclass(frozen=True, slots=True)
class Face:
    """Shows the parts of a running alerter; changes none of them."""

    journal: Journal
    evaluation: Evaluation
    dealing: Dealing
    delivery: Delivery
    telling: Telling
    handlers: Handlers
    rules: KeptFiles[Rules]
    routes: KeptFiles[Routing]
    metrics: AlertMetrics

    def served(
        self, settings: AlerterSettings, instruments: Instruments
    ) -> contextlib.AbstractAsyncContextManager[None]:
        """Answers meanwhile."""
        instruments.before_exposition(self.expose)
        return served(
            settings.bind,
            settings.alerter_port,
            instruments,
            self.not_ready,
            self.info,
            {"/alerts": self._alerts, "/rules": self._rules},
            self.notes,
        )

    def not_ready(self) -> str | None:
        """Why no rule is evaluated; ``None`` when those of this alerter are."""
        return None if self.dealing.known else "not yet known which rules are this alerter's"

    def notes(self) -> dict[str, object]:
        """What does not work while alerts are told of all the same."""
        notes = broken_notes(rules=self.rules.broken, routes=self.routes.broken)
        if not self.handlers.joined:
            notes["broker"] = "not in the group: commands wait, and nothing is published"
        if self.telling.failing is not None:
            notes["telling"] = f"nobody is told of alerts, {self.telling.failing}: see its log"
        if unreached := self.delivery.unreached:
            notes["receivers"] = f"not reached: {_listed(unreached)}"
        if self.journal.failing:
            notes["journal"] = "its disk does not take it: what happens now may be told twice"
        if self.evaluation.held:
            notes["rules_held"] = "what they ask for is not known: " + _listed(self.evaluation.held)
        if self.evaluation.troubles.rules:
            notes["rules_failing"] = _listed(self.evaluation.troubles.rules)
        return notes

    def info(self) -> dict[str, object]:
        """How it is doing."""
        evaluation, state = self.evaluation, self.journal.state
        return {
            "rules": len(evaluation.rules),
            "evaluated_here": sorted(evaluation.owned),
            "waiting_for_signals": sorted(evaluation.held),
            "errors_of_rules": evaluation.troubles.rules,
            "errors_of_signals": evaluation.troubles.sources,
            "rules_broken": self.rules.broken,
            "routes_broken": self.routes.broken,
            "delivery": self.delivery.info(),
            "alerts": counted(state.board.alerts.values()),
            "events_unpublished": len(state.unpublished),
            "journal_failing": self.journal.failing,
            "in_group": self.handlers.joined,
        }

    def expose(self) -> None:
        """Before a scrape."""
        state = self.journal.state
        broken = self.rules.broken is not None or self.routes.broken is not None
        self.metrics.rules(len(self.rules.value), broken=broken)
        self.metrics.expose(state.board.alerts.values(), self.dealing.owns, len(state.unpublished))

    async def _alerts(self, _: web.Request) -> web.Response:
        now = datetime.now(UTC)
        return web.json_response(alerts_page(self.journal.board, self.dealing.owns, now))

    async def _rules(self, _: web.Request) -> web.Response:
        return web.json_response(rules_page(self.evaluation))


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
