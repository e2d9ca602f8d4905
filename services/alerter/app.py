"""Wiring of a worker: settings to running objects, and their order of start and stop.

Unlike other services it needs no broker to start or to go on: pages, probes, journal, evaluation
and notifications begin at once; publishing, commands and the group come when a broker does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import structlog
from aiohttp import web

from services.alerter.alert_metrics import AlertMetrics
from services.alerter.alert_states import AlertStates
from services.alerter.announcing import Announcing
from services.alerter.config import AlerterSettings
from services.alerter.dealing import Dealing
from services.alerter.delivery.delivery import Delivery
from services.alerter.evaluation import Evaluation
from services.alerter.exposition import SignalExposition
from services.alerter.forgetting import forgettable
from services.alerter.handlers import CONSUMED, SERVICE, Handlers
from services.alerter.journal import Journal
from services.alerter.judging import Judge
from services.alerter.ownership import Share
from services.alerter.pages import alerts_page, broken_notes, counted, rules_page
from services.alerter.recording import Recording
from services.alerter.ruleset import route_file, rule_files
from services.alerter.signals import Signals
from services.alerter.standing import Standing
from services.alerter.telling import Telling
from shared.alerting.events import alert_of, resumed
from shared.alerting.store import SeriesStore
from shared.contracts.alerts import AlertChanged
from shared.contracts.event import Event
from shared.contracts.topics import ALERT_STATES
from shared.runtime.connecting import until
from shared.runtime.errors import ConfigurationError
from shared.runtime.faust_app import Membership, run_app
from shared.runtime.faust_group import build_app
from shared.runtime.health import served
from shared.runtime.metrics import Instruments
from shared.runtime.progress import Progress
from shared.runtime.stored_offsets import store_offsets, store_once
from shared.runtime.topic_reader import TopicReader
from shared.runtime.worker_bus import WorkerBus
from shared.sources.project import project_dir

log = structlog.stdlib.get_logger("bergline.alerter")

FLUSH_S = 3.0
"""Longest wait at the end for what is to be published."""
TELL_S = 2.0
"""Longest wait at the end for receivers."""
LEAVE_S = 1.5
TIDY_S = 60.0
"""How often what is over is forgotten, and what a topic lacks is said again."""


class Service:
    """One alerter process."""

    def __init__(self, settings: AlerterSettings) -> None:
        self._settings = settings
        self._instruments = Instruments(SERVICE)
        self._metrics = AlertMetrics(self._instruments)
        self._instruments.before_exposition(self._expose)
        self._journal = Journal(settings.own_dir / "journal")
        self._standing = Standing()
        self._standing.keep(map(alert_of, self._journal.board.alerts.values()))
        self._rules = rule_files(project_dir(), settings.alerter_time_scale)
        self._rules.look()
        self._routes = route_file(project_dir(), settings.alerter_time_scale)
        self._recording = Recording(
            self._journal,
            self._standing,
            self._metrics,
            self._look,
            f"{socket.gethostname()}:{settings.alerter_port}",
            time.time,
        )
        store = SeriesStore()
        self._signals = Signals(
            settings,
            lambda names, cause: self._evaluation.changed(names, cause),
            settings.own_dir / "learned.json",
        )
        self._instruments.registry.register(SignalExposition(self._signals.sources))
        self._evaluation = Evaluation(
            Judge(store, self._standing),
            store,
            self._signals.sources,
            self._recording.changed,
            self._metrics.took,
            self._slept,
            settings.alerter_session_timeout_s,
        )
        self._states = AlertStates(self._journal, self._news)
        self._reader = TopicReader(settings, ALERT_STATES, self._states.on_record)
        self._dealing = Dealing(
            self._evaluation,
            self._recording,
            self._journal,
            self._standing,
            self._reader.read_on,
            lambda: self._rules.value,
            self._look,
            settings.alerter_unowned_s,
        )
        self._delivery = Delivery(settings, self._instruments, self._recording.said)
        self._telling = Telling(
            self._delivery, self._journal.board, lambda alert: self._dealing.owns(alert.rule)
        )
        self._alone = False
        self._progress = Progress()
        self._bus = WorkerBus(settings, SERVICE, ALERT_STATES)
        self._announcing = Announcing(self._journal, self._bus)
        key = settings.operator_key.get_secret_value() if settings.operator_key else None
        self._handlers = Handlers(
            self._progress,
            self._journal.board,
            self._recording.said,
            settings.environment,
            key,
            self._dealt,
            self._dealing.dealing,
            self._bus.request_partitions,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set, then drain.

        Raises:
            RuntimeError: Faust's worker crashed, or a loop died; the process is to be started
                again. All that is known is on disk.
        """
        # Every client would tell each second that there is no broker, among alerts that matter.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._journal.close)
            await self._resume()
            await stack.enter_async_context(self._http())
            self._reader.start()
            stack.push_async_callback(self._reader.stop)
            self._signals.start()
            stack.push_async_callback(self._signals.stop)
            await self._dealing.rules_changed()
            stack.push_async_callback(self._dealing.stop)
            self._routes.look()
            self._routes_changed()
            stack.push_async_callback(self._delivery.close, TELL_S)
            loops = await stack.enter_async_context(self._looping())
            self._dealing.without_group(self._settings.alerter_unowned_s)
            ending = asyncio.ensure_future(stop.wait())
            stack.callback(ending.cancel)
            broker = asyncio.ensure_future(self._with_broker(stop))
            await asyncio.wait({ending, broker, *loops}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await broker
            for loop in loops:
                if loop.done():
                    raise RuntimeError(f"{loop.get_name()} has ended") from loop.exception()

    async def _resume(self) -> None:
        """Take what the journal says of pending alerts, without the time that nobody looked."""
        unseen_s = time.time() - self._journal.last_alive_at
        events = [
            resumed(each, unseen_s)
            for each in self._journal.board.alerts.values()
            if each.state == "pending"
        ]
        await self._journal.append(events, publish=False)
        self._standing.keep(map(alert_of, events))

    async def _with_broker(self, stop: asyncio.Event) -> None:
        """What needs a broker, from when there is one until the end."""
        if not await until(stop, log, "broker", self._connect):
            return
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._bus.stop)
            self._announcing.start()
            stack.push_async_callback(self._announcing.stop)
            app = build_app(
                self._settings, self._membership(), CONSUMED, self._handlers, self._bus.learn
            )
            storing = asyncio.create_task(store_offsets(app, self._settings, self._progress))
            stack.callback(storing.cancel)

            async def drain() -> None:
                self._evaluation.pause()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FLUSH_S):
                        await self._announcing.flush()
                await store_once(app, self._settings, self._progress)

            await run_app(app, stop, drain, LEAVE_S)

    async def _connect(self) -> bool:
        try:
            return await self._bus.connect()
        except Exception:
            if not self._alone and self._journal.owned is not None:
                # There is no broker to ask, and this alerter has had rules before.
                self._alone = True
                self._dealing.without_group(0)
            raise

    @contextlib.asynccontextmanager
    async def _looping(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """What goes on all the time, meanwhile."""
        loops = [
            asyncio.create_task(self._evaluation.run(), name="evaluation"),
            asyncio.create_task(self._telling.run(), name="telling"),
            asyncio.create_task(self._handlers.run(), name="commands"),
            asyncio.create_task(self._look_at_files(), name="looking at files"),
            asyncio.create_task(self._tidy(), name="tidying"),
        ]
        try:
            yield loops
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.wait(loops)

    async def _look_at_files(self) -> None:
        while True:
            await asyncio.sleep(self._settings.alerter_rules_look_s)
            await asyncio.to_thread(self._journal.touch)
            if await asyncio.to_thread(self._rules.look):
                log.info("rules read again", rules=len(self._rules.value))
                await self._dealing.rules_changed()
            if await asyncio.to_thread(self._routes.look):
                self._routes_changed()

    def _routes_changed(self) -> None:
        try:
            self._delivery.configure(self._routes.value)
        except ConfigurationError as error:
            self._routes.refused(error)
            return
        log.info("receivers and routes read", receivers=sorted(self._routes.value.receivers))
        self._telling.look()

    async def _tidy(self) -> None:
        """Forget what is over, and say again what the topic does not say any more."""
        while True:
            await asyncio.sleep(TIDY_S)
            keys = forgettable(self._journal.board, time.time(), self._dealing.owns)
            if keys:
                # At once and in this order: one that begins meanwhile is another, kept behind it.
                self._standing.forget(keys)
                await self._journal.forget(keys)
            if self._reader.caught_up.is_set() and self._handlers.joined:
                await self._states.say_again(self._evaluation.owned)

    def _news(self, event: Event | None) -> None:
        """Another alerter, or this one earlier, said something of alerts."""
        if isinstance(event, AlertChanged) and self._standing.learned(alert_of(event)):
            self._evaluation.changed(())
        self._look()

    def _look(self) -> None:
        """The board has changed: is somebody to be told?"""
        self._telling.look()

    def _dealt(self, mine: frozenset[int]) -> None:
        self._dealing.dealt(Share(mine, self._bus.request_partitions()))

    def _slept(self) -> None:
        log.warning("this process was stopped, and may have lost its rules meanwhile")
        self._dealing.dealing()

    def _membership(self) -> Membership:
        return Membership(
            service=SERVICE,
            work_dir=self._settings.alerter_work_dir,
            port=self._settings.alerter_port,
            session_timeout_s=self._settings.alerter_session_timeout_s,
        )

    def _not_ready(self) -> str | None:
        if not self._dealing.known:
            return "not yet known which rules are this alerter's"
        return None

    def _notes(self) -> dict[str, object]:
        """What does not work while alerts are told of all the same."""
        notes = broken_notes(rules=self._rules.broken, routes=self._routes.broken)
        if not self._handlers.joined:
            notes["broker"] = "not in the group: commands wait, and nothing is published"
        if self._journal.failing:
            notes["journal"] = "its disk does not take it: what happens now may be told twice"
        return notes

    def _info(self) -> dict[str, object]:
        evaluation = self._evaluation
        return {
            "rules": len(evaluation.rules),
            "evaluated_here": sorted(evaluation.owned),
            "waiting_for_signals": sorted(evaluation.held),
            "errors_of_rules": evaluation.troubles.rules,
            "errors_of_signals": evaluation.troubles.sources,
            "rules_broken": self._rules.broken,
            "routes_broken": self._routes.broken,
            "delivery": self._delivery.info(),
            "alerts": counted(self._journal.board.alerts.values()),
            "events_unpublished": len(self._journal.state.unpublished),
            "journal_failing": self._journal.failing,
            "in_group": self._handlers.joined,
        }

    def _expose(self) -> None:
        state = self._journal.state
        broken = self._rules.broken is not None or self._routes.broken is not None
        self._metrics.rules(len(self._rules.value), broken=broken)
        self._metrics.expose(
            state.board.alerts.values(), self._dealing.owns, len(state.unpublished)
        )

    async def _alerts_page(self, _: web.Request) -> web.Response:
        now = datetime.now(UTC)
        return web.json_response(alerts_page(self._journal.board, self._dealing.owns, now))

    async def _rules_page(self, _: web.Request) -> web.Response:
        return web.json_response(rules_page(self._evaluation))

    def _http(self) -> contextlib.AbstractAsyncContextManager[None]:
        return served(
            self._settings.bind,
            self._settings.alerter_port,
            self._instruments,
            self._not_ready,
            self._info,
            {"/alerts": self._alerts_page, "/rules": self._rules_page},
            self._notes,
        )
