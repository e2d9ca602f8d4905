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

import structlog

from services.alerter.alert_metrics import AlertMetrics
from services.alerter.broker_side import BrokerSide
from services.alerter.config import AlerterSettings
from services.alerter.delivery.delivery import Delivery
from services.alerter.delivery.telling import Telling
from services.alerter.evaluation.evaluation import Evaluation
from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.liveness import until_stuck
from services.alerter.evaluation.recording import Recording
from services.alerter.evaluation.resuming import unseen
from services.alerter.evaluation.standing import Standing
from services.alerter.face import Face
from services.alerter.group.dealing import Dealing
from services.alerter.group.ownership import Share
from services.alerter.handlers import SERVICE, Handlers
from services.alerter.journal.journal import Journal
from services.alerter.rules.ruleset import route_file, rule_files
from services.alerter.signals.exposition import SignalExposition
from services.alerter.signals.signals import Signals
from services.alerter.states.alert_states import AlertStates
from services.alerter.states.announcing import Announcing
from services.alerter.states.learning import Learning
from services.alerter.upkeep import Files, Tidying
from shared.alerting.events import alert_of
from shared.alerting.store import SeriesStore
from shared.contracts.alerts import AlertChanged
from shared.contracts.event import Event
from shared.contracts.topics import ALERT_STATES
from shared.runtime.metrics import Instruments
from shared.runtime.progress import Progress
from shared.runtime.topic_reader import TopicReader
from shared.runtime.worker_bus import WorkerBus
from shared.sources.project import project_dir

log = structlog.stdlib.get_logger("bergline.alerter")

TELL_S = 2.0
"""Longest wait at the end for receivers."""


class Service:
    """One alerter process."""

    def __init__(self, settings: AlerterSettings) -> None:
        self._settings = settings
        self._instruments = Instruments(SERVICE)
        self._metrics = AlertMetrics(self._instruments)
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
            self._journal.last_alive_at,
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
        self._learning = Learning(
            self._signals.silence,
            self._recording.said,
            lambda key: self._handlers.joined and self._dealing.owns(key),
        )
        self._states = AlertStates(self._journal, self._news, self._learning.heard)
        self._reader = TopicReader(settings, ALERT_STATES, self._states.on_record)
        self._dealing = Dealing(
            self._evaluation,
            self._recording,
            self._journal,
            self._standing,
            self._read_on,
            lambda: self._rules.value,
            self._look,
            settings.alerter_unowned_s,
        )
        self._delivery = Delivery(settings, self._instruments, self._recording.said)
        self._bus = WorkerBus(settings, SERVICE, ALERT_STATES)
        self._announcing = Announcing(self._journal, self._bus)
        self._telling = Telling(
            self._delivery,
            self._journal.board,
            lambda: self._dealing.teller,
            self._announcing.cut_off_in,
            self._slept,
            settings.alerter_session_timeout_s,
        )
        self._progress = Progress()
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
        self._broker = BrokerSide(
            settings,
            self._bus,
            self._announcing,
            self._handlers,
            self._progress,
            self._without_broker,
            self._evaluation.pause,
        )
        self._files = Files(
            self._rules,
            self._routes,
            self._dealing.rules_changed,
            self._delivery,
            self._look,
            self._journal,
        )
        self._tidying = Tidying(
            self._journal,
            self._standing,
            self._states,
            self._evaluation,
            self._dealing,
            lambda: self._reader.caught_up.is_set() and self._handlers.joined,
        )
        self._face = Face(
            self._journal,
            self._evaluation,
            self._dealing,
            self._delivery,
            self._telling,
            self._handlers,
            self._rules,
            self._routes,
            self._metrics,
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
            await stack.enter_async_context(self._face.served(self._settings, self._instruments))
            self._reader.start()
            stack.push_async_callback(self._reader.stop)
            reading = asyncio.create_task(self._read_first(), name="read states of alerts")
            stack.callback(reading.cancel)
            self._signals.start()
            stack.push_async_callback(self._signals.stop)
            stack.push_async_callback(self._dealing.stop)
            stack.push_async_callback(self._delivery.close, TELL_S)
            await self._files.at_first()
            loops = await stack.enter_async_context(self._looping())
            self._dealing.without_group(self._settings.alerter_unowned_s)
            ending = asyncio.ensure_future(stop.wait())
            stack.callback(ending.cancel)
            broker = asyncio.ensure_future(self._broker.run(stop))
            await asyncio.wait({ending, broker, *loops}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await broker
            for loop in loops:
                if loop.done():
                    raise RuntimeError(f"{loop.get_name()} has ended") from loop.exception()

    async def _resume(self) -> None:
        """Take what the journal says of pending alerts, without the time that nobody looked."""
        events = unseen(
            self._journal.board.alerts.values(),
            self._journal.owned,
            time.time() - self._journal.last_alive_at,
        )
        await self._journal.append(events, publish=False)
        self._standing.keep(map(alert_of, events))

    @contextlib.asynccontextmanager
    async def _looping(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """What goes on all the time, meanwhile."""
        every_s = self._settings.alerter_rules_look_s
        loops = [
            asyncio.create_task(self._evaluation.run(), name="evaluation"),
            asyncio.create_task(until_stuck(self._evaluation), name="watch over evaluation"),
            asyncio.create_task(self._telling.run(), name="telling"),
            asyncio.create_task(self._handlers.run(), name="commands"),
            asyncio.create_task(self._files.run(every_s), name="looking at files"),
            asyncio.create_task(self._tidying.run(), name="tidying"),
            asyncio.create_task(self._learning.run(), name="sharing what was learned"),
        ]
        try:
            yield loops
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.wait(loops)

    async def _read_on(self) -> None:
        """Return once all that was said of alerts by now has been read, and counts."""
        await self._reader.read_on()
        self._states.read_to_the_end()

    async def _read_first(self) -> None:
        await self._reader.caught_up.wait()
        self._states.read_to_the_end()

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

    def _without_broker(self) -> None:
        """There is no broker to ask. An alerter that had rules before goes on with them at once."""
        if self._journal.owned is not None:
            self._dealing.without_group(0)
