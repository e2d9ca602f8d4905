"""Steady webhooks against a platform while something is done to it, and the ledger afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.demo import ledger
from deploy.demo.ledger import Ledger
from deploy.demo.settings import DemoSettings
from deploy.demo.settling import settled
from deploy.generator.load import Load, steady_load
from deploy.generator.signing import Signer
from shared.lake.catalog import open_catalog
from shared.lake.handle import TableHandle
from shared.lake.positions import PartitionKey
from shared.lake.recorded import recorded
from shared.tables.registry import landing_tables
from tests.support.platform import EmbeddedPlatform

SEED = 42


class Traffic:
    """A load in a thread of its own, or one such load after another until :meth:`end`."""

    def __init__(
        self, platform: EmbeddedPlatform, *, rate: float, seconds: float, endless: bool
    ) -> None:
        settings = DemoSettings.of(platform.layout.root)
        signer = Signer.of(settings)
        self.load: Load | None = None
        self._failure: BaseException | None = None
        self._ending = threading.Event()
        if not endless:
            self.end()

        async def loads() -> list[Load]:
            found: list[Load] = []
            while not found or not self._ending.is_set():
                found.append(
                    await steady_load(
                        settings.ingest_url,
                        signer,
                        rate=rate,
                        seconds=seconds,
                        seed=SEED + len(found),
                    )
                )
            return found

        def run() -> None:
            try:
                self.load = together(asyncio.run(loads()))
            except BaseException as error:  # noqa: BLE001 - shown in the test's own thread
                self._failure = error

        self._thread = threading.Thread(target=run, name="traffic")
        self._thread.start()

    @property
    def flowing(self) -> bool:
        """Whether posts are still being sent."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Begin no further load."""
        self._ending.set()

    def wait(self, seconds: float) -> Load:
        """Wait for the end of the load."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the load has not come to its end"
        if self._failure is not None:
            raise self._failure
        assert self.load is not None
        return self.load


def together(loads: Sequence[Load]) -> Load:
    """Several loads as one."""
    return Load(
        accepted=frozenset().union(*(each.accepted for each in loads)),
        refused=sum(each.refused for each in loads),
        unknown=sum(each.unknown for each in loads),
        outcomes=tuple(outcome for each in loads for outcome in each.outcomes),
    )


@contextmanager
def traffic(
    platform: EmbeddedPlatform, *, rate: float, seconds: float, endless: bool = False
) -> Iterator[Traffic]:
    """Traffic that is over when the block ends.

    Args:
        platform: takes it.
        rate: webhooks a second.
        seconds: how long it lasts.
        endless: another load follows on each, until the block ends.
    """
    running = Traffic(platform, rate=rate, seconds=seconds, endless=endless)
    try:
        yield running
    finally:
        running.end()
        running.wait(seconds + 120)


def ledger_after(platform: EmbeddedPlatform, load: Load, *, deadline_s: float = 60) -> Ledger:
    """Wait until the tables have reached the log ends, then count independently."""
    catalog = open_catalog(platform.settings)
    ends = asyncio.run(settled(platform.settings, catalog, deadline_s=deadline_s))
    return ledger.take(catalog, platform.settings.environment, load.outcomes, ends)


class Positions:
    """Next offsets recorded in all landing tables, asked for again and again."""

    def __init__(self, platform: EmbeddedPlatform) -> None:
        settings = platform.settings
        catalog = open_catalog(settings)
        self._tables = [
            TableHandle(catalog, settings.environment, spec.name) for spec in landing_tables()
        ]

    def __call__(self) -> dict[PartitionKey, int]:
        """As they are now."""
        found: dict[PartitionKey, int] = {}
        for table in self._tables:
            recorded_positions = recorded(table.reload()).positions
            assert recorded_positions is not None, f"{table.name} lost its positions"
            for key, position in recorded_positions.partitions.items():
                found[key] = position.next
        return found
