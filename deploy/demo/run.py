"""One demonstration from nothing to report: start, post, settle, build, compare, break, recover."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from deploy.demo import derived_ledger, exports, incident, ledger
from deploy.demo.build_workers import able_to_build
from deploy.demo.deriving import derived
from deploy.demo.report import Aftermath, Found, Report, report
from deploy.demo.settings import DemoSettings
from deploy.demo.settling import settled
from deploy.embedded import control, ports
from deploy.embedded.launch import PortChoice
from deploy.embedded.layout import Layout
from deploy.embedded.services import replicas_of
from deploy.embedded.state import PlatformState
from deploy.generator.delivery import SOURCES
from deploy.generator.mix import DEMONSTRATED, DEMONSTRATED_RATES
from deploy.generator.plan import DEFAULT_DELIVERIES, plan
from deploy.generator.poster import Outcome, Poster
from deploy.generator.signing import Signer
from shared.lake.catalog import open_catalog
from shared.runtime.errors import ConfigurationError

REPORT_FILE = "demo-report.json"


class Steps(Protocol):
    """Who is told how far the demonstration is."""

    def step(self, name: str, **facts: object) -> None:
        """A step has begun or ended."""

    def started(self, platform: PlatformState) -> None:
        """A process of the platform changed its state."""

    def posted(self, outcome: Outcome) -> None:
        """One more delivery was answered."""

    def waiting(self, missing: int) -> None:
        """So many records are not in their landing tables yet."""

    def deriving(self, behind: Mapping[str, int]) -> None:
        """These derived tables lack so many offsets of their topics."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is demonstrated.

    Attributes:
        seed: of the plan.
        deliveries: number of posts.
        rate: posts a second; ``None`` posts as fast as answers come.
        port_choice: the ports of the settings, or any that are free.
        keep: leave the platform running and its data in place.
    """

    seed: int = 42
    deliveries: int = DEFAULT_DELIVERIES
    rate: float | None = None
    port_choice: PortChoice = "settings"
    keep: bool = False


async def run(options: Options, home: Path, steps: Steps) -> Report:
    """Demonstrate on a fresh platform below ``home`` and write the report there.

    The platform's data is deleted again when all is well, unless it is to be kept. SIGTERM and
    SIGINT stop the platform before the process ends.

    Args:
        options: what to do.
        home: the data directory; the platform runs in a new directory ``demo/…`` below it.
        steps: told how far it is.

    Raises:
        ConfigurationError: a port is taken, or the plan is too small.
        CheckFailed: the tables did not catch up in time.
        Unavailable: the platform did not start, or nothing to build in.
    """
    began = time.monotonic()
    try:
        deliveries = plan(
            options.seed, options.deliveries, topics=DEMONSTRATED, rates=DEMONSTRATED_RATES
        )
    except ValueError as error:
        raise ConfigurationError(str(error), "raise --deliveries") from None
    if options.port_choice == "settings":
        _claim_ports()
    Layout(home).prepare()
    where = Layout(home / "demo" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}")
    seconds: dict[str, float] = {}
    async with _platform(where, options, steps):
        seconds["start"] = time.monotonic() - began
        settings = DemoSettings.of(where.root)
        catalog = await asyncio.to_thread(open_catalog, settings)
        steps.step("posting", deliveries=len(deliveries), url=settings.ingest_url)
        moment = time.monotonic()
        poster = Poster(settings.ingest_url, Signer.of(settings, SOURCES))
        outcomes = await poster.post(deliveries, rate=options.rate, observe=steps.posted)
        seconds["post"] = time.monotonic() - moment
        steps.step("naming an export", times=exports.ANNOUNCED)
        uri, exported = await asyncio.to_thread(exports.drop, where.exports, options.seed)
        await exports.announce(settings.ingest_url, settings.secrets("ga4"), uri)
        steps.step("waiting until every accepted delivery is a row")
        moment = time.monotonic()
        ends = await settled(settings, catalog, steps.waiting)
        seconds["settle"] = time.monotonic() - moment
        steps.step("waiting until builds can begin")
        moment = time.monotonic()
        await able_to_build(settings.transformer_url)
        seconds["workers"] = time.monotonic() - moment
        steps.step("waiting until every derived table is complete")
        moment = time.monotonic()
        await derived(settings, catalog, ends, steps.deriving)
        seconds["build"] = time.monotonic() - moment
        steps.step("counting by SQL over the tables")
        moment = time.monotonic()
        counted = await asyncio.to_thread(
            ledger.take, catalog, settings.environment, outcomes, ends
        )
        counted_export = await asyncio.to_thread(
            exports.take, catalog, settings.environment, exported, ends
        )
        seconds["count"] = time.monotonic() - moment
        steps.step("computing every derived table a second way")
        moment = time.monotonic()
        compared = await asyncio.to_thread(derived_ledger.take, catalog, settings.environment)
        seconds["compare"] = time.monotonic() - moment
        steps.step("stopping storage, posting meanwhile", deliveries=incident.DELIVERIES)
        moment = time.monotonic()
        happened = await incident.happen(settings, where, poster, options.seed)
        seconds["incident"] = time.monotonic() - moment
        steps.step("storage is back: waiting until everything is as it should be")
        moment = time.monotonic()
        ends = await settled(settings, catalog, steps.waiting)
        await derived(settings, catalog, ends, steps.deriving)
        seconds["recover"] = time.monotonic() - moment
        steps.step("counting once more")
        moment = time.monotonic()
        counted_again = await asyncio.to_thread(
            ledger.take, catalog, settings.environment, [*outcomes, *happened.outcomes], ends
        )
        compared_again = await asyncio.to_thread(derived_ledger.take, catalog, settings.environment)
        seconds["count again"] = time.monotonic() - moment
        steps.step("platform stays up" if options.keep else "stopping the platform")
    seconds["total"] = time.monotonic() - began
    made = report(
        options.seed,
        Found(outcomes, counted, counted_export, compared),
        Aftermath(happened, counted_again, compared_again),
        seconds,
        str(where.root),
    )
    (home / REPORT_FILE).write_text(made.model_dump_json(indent=2) + "\n")
    if made.ok and not options.keep:
        await asyncio.to_thread(shutil.rmtree, where.root)
    return made


@asynccontextmanager
async def _platform(where: Layout, options: Options, steps: Steps) -> AsyncIterator[None]:
    """The embedded platform while the block runs; it outlives the block only if all went well."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if task is not None:
            loop.add_signal_handler(number, task.cancel)
    steps.step("starting the platform", data_dir=str(where.root))
    start = asyncio.ensure_future(
        asyncio.to_thread(
            control.detach,
            where,
            replicas_of({}),
            options.port_choice,
            steps.started,
            variables=incident.VARIABLES,
        )
    )
    keep = False
    try:
        await asyncio.shield(start)
        yield
        keep = options.keep
    finally:
        if not keep:
            await _stop(where, start)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _stop(where: Layout, start: asyncio.Future[PlatformState]) -> None:
    while True:
        # Interrupted while it starts: it is there to be stopped as soon as its state file is.
        await asyncio.to_thread(control.stop, where)
        if start.done():
            break
        await asyncio.wait({start}, timeout=0.1)
    if not start.cancelled():
        start.exception()


def _claim_ports() -> None:
    try:
        ports.claim(ports.needed(ports.load(), replicas_of({})))
    except ConfigurationError as error:
        raise ConfigurationError(
            error.what, "`bergline demo --ports auto` takes free ones"
        ) from None
