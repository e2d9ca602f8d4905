"""All sources of signals of one alerter, as one thing to start and stop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from services.alerter.probes.broker import BrokerProbe
from services.alerter.probes.catalog import CatalogProbe
from services.alerter.probes.object_store import ObjectStoreProbe
from services.alerter.probes.probing import Probing
from services.alerter.probes.storage_room import StorageRoom
from services.alerter.signals.lag import ConsumerLag
from services.alerter.signals.settings import SignalSettings
from services.alerter.signals.topics import LONGEST_UNSEEN, Changed, SignalTopics
from shared.alerting.series import SignalSource
from shared.alerting.signals.alive import Alive
from shared.alerting.signals.every import following
from shared.alerting.signals.rhythm import Remembered
from shared.alerting.signals.services import BUILDER
from shared.alerting.signals.silence import Silence
from shared.contracts.topics import DEAD_LETTERS
from shared.tables.registry import TABLES

log = structlog.stdlib.get_logger("bergline.alerter")

KEEP_EVERY_S = 300.0
_REMEMBERED = TypeAdapter(dict[str, Remembered])


class Signals:
    """The sources, and what feeds them.

    Args:
        settings: of probes and signals.
        changed: told when signals changed, and by which event.
        learned: file in which what was learned about silences is kept over a restart.
        looked_until: when an alerter last looked, in seconds since the epoch; ``None``: none did.
    """

    def __init__(
        self,
        settings: SignalSettings,
        changed: Changed,
        learned: Path,
        looked_until: float | None = None,
    ) -> None:
        now = datetime.now(UTC)
        looked = now if looked_until is None else datetime.fromtimestamp(looked_until, UTC)
        unseen_since = max(looked, now - LONGEST_UNSEEN)
        timeout_s = settings.alerter_probe_timeout_s
        self._learned = learned
        self._followed = following(
            TABLES,
            [topic for spec in TABLES.values() for topic in spec.topics if topic != DEAD_LETTERS],
            objectives=settings.objectives,
            expected=settings.expected_every,
            remembered=remembered(learned),
            built=BUILDER in settings.expected_services,
            unseen_since=unseen_since.timestamp(),
            dense_s=settings.stream_writer_dense_s,
        )
        self._topics = SignalTopics(settings, self._followed, unseen_since, changed)
        self._asking = (
            Probing(
                {
                    "catalog": CatalogProbe(settings),
                    "object_store": ObjectStoreProbe(settings, timeout_s),
                    "broker": BrokerProbe(settings),
                },
                settings.alerter_probe_every_s,
                timeout_s,
                lambda names: changed(names, None),
            ),
            StorageRoom(settings),
            ConsumerLag(
                settings,
                settings.alerter_lag_every_s,
                settings.expected_services,
                lambda names: changed(names, None),
            ),
        )
        self._keeping: asyncio.Task[None] | None = None

    @property
    def sources(self) -> tuple[SignalSource, ...]:
        """All of them."""
        return (Alive(), *self._followed.all, *self._asking)

    @property
    def silence(self) -> Silence:
        """The one that learns, and has an ear for what others have learned."""
        return self._followed.silence

    def start(self) -> None:
        """Begin in the background; needs no broker to begin."""
        self._topics.start()
        for each in self._asking:
            each.start()
        self._keeping = asyncio.create_task(self._keep(), name="keep what was learned")

    async def stop(self) -> None:
        """End; returns when all connections are closed."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
            await asyncio.to_thread(self._write)
        await asyncio.gather(self._topics.stop(), *(each.stop() for each in self._asking))

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        if not self._followed.silence.known(0):
            return  # less is known than was kept
        text = _REMEMBERED.dump_json(self._followed.silence.remembered())
        try:
            self._learned.parent.mkdir(parents=True, exist_ok=True)
            aside = self._learned.with_suffix(".new")
            aside.write_bytes(text)
            aside.replace(self._learned)
        except OSError as error:
            log.warning("what was learned is not kept", file=str(self._learned), error=str(error))


def remembered(file: Path) -> dict[str, Remembered]:
    """What was kept; nothing where there is no file, or none that can be read."""
    try:
        return _REMEMBERED.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.warning("what was learned cannot be read, and is learned anew", error=str(error))
        return {}
