"""What is looked after from time to time: files that change, and what nobody needs to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from services.alerter.delivery.delivery import Delivery
from services.alerter.evaluation.evaluation import Evaluation
from services.alerter.evaluation.standing import Standing
from services.alerter.group.dealing import Dealing
from services.alerter.journal.journal import Journal
from services.alerter.rules.kept_files import KeptFiles
from services.alerter.states.alert_states import AlertStates
from services.alerter.states.forgetting import forgettable
from shared.alerting.notifying.routing import Routing
from shared.alerting.rule import Rules
from shared.runtime.errors import ConfigurationError

log = structlog.stdlib.get_logger("bergline.alerter")

TIDY_S = 60.0
"""How often what is over is forgotten, and what a topic lacks is said again."""


class Files:
    """Rules and routes, put in force when they change.

    Args:
        rules, routes: as they were read last.
        rules_changed: puts rules in force.
        delivery: whose routes they are.
        look: called when other routes are in force.
        journal: is told each time that this alerter is alive.
    """

    def __init__(
        self,
        rules: KeptFiles[Rules],
        routes: KeptFiles[Routing],
        rules_changed: Callable[[], Awaitable[None]],
        delivery: Delivery,
        look: Callable[[], None],
        journal: Journal,
    ) -> None:
        self._rules = rules
        self._routes = routes
        self._rules_changed = rules_changed
        self._delivery = delivery
        self._look = look
        self._journal = journal

    async def at_first(self) -> None:
        """What is in force from the start."""
        self._routes.look()
        self._put_routes_in_force()
        await self._rules_changed()

    async def run(self, every_s: float) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self._journal.touch)
            if await asyncio.to_thread(self._rules.look):
                log.info("rules read again", rules=len(self._rules.value))
                await self._rules_changed()
            if await asyncio.to_thread(self._routes.look):
                self._put_routes_in_force()

    def _put_routes_in_force(self) -> None:
        try:
            self._delivery.configure(self._routes.value)
        except ConfigurationError as error:
            self._routes.refused(error)
            return
        log.info("receivers and routes read", receivers=sorted(self._routes.value.receivers))
        self._look()


class Tidying:
    """Forgets what is over, and says again what the topic does not say any more.

    Args:
        journal, standing, states, evaluation, dealing: of this alerter.
        follows: whether the topic has been read to its end, and there is a group.
    """

    def __init__(
        self,
        journal: Journal,
        standing: Standing,
        states: AlertStates,
        evaluation: Evaluation,
        dealing: Dealing,
        follows: Callable[[], bool],
    ) -> None:
        self._journal = journal
        self._standing = standing
        self._states = states
        self._evaluation = evaluation
        self._dealing = dealing
        self._follows = follows

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(TIDY_S)
            await self.tidy(time.time())

    async def tidy(self, now: float) -> None:
        """Once, at ``now`` in seconds since the epoch."""
        whole = self._follows()
        async with self._evaluation.between_passes:  # else the board lacks what has just begun
            keys = forgettable(self._journal.board, now, self._dealing.owns, whole=whole)
            if keys:
                # At once and in this order: one that begins meanwhile is another, kept behind it.
                self._standing.forget(keys)
                await self._journal.forget(keys)
            self._standing.forget_unknown(self._journal.board.alerts)
        if whole:
            await self._states.say_again(self._evaluation.owned)
