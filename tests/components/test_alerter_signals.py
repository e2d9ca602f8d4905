"""What alerter asks and reads of a real broker and a real store, and what it makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from services.alerter.probes.broker import BrokerProbe
from services.alerter.probes.catalog import CatalogProbe
from services.alerter.probes.object_store import ObjectStoreProbe
from services.alerter.probes.probing import UP, Probing
from services.alerter.signals import topics
from services.alerter.signals.lag import LAG, MEMBERS, ConsumerLag
from services.alerter.signals.settings import SignalSettings
from services.alerter.signals.signals import Signals
from shared.alerting.series import Vector, labels
from shared.alerting.signals.services import GROUPED
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.event import Event
from shared.contracts.partitions import PartitionStopped
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, DEAD_LETTERS, PARTITIONS, TABLES
from shared.runtime.bus import connection, erase, producer, publish
from shared.runtime.topic_bootstrap import bootstrap_topics
from tests.support.broker_process import BrokerProcess
from tests.support.storage import StorageProcess

WITHIN_S = 60.0
EVERY_S = 0.1
TABLE = "raw.shopify_orders"
TOPIC = "shopify.orders"


class Rig:
    """A broker and a store, shared by the tests of this file; each leaves both running."""

    def __init__(self, directory: Path) -> None:
        self.storage = StorageProcess(directory)
        self.broker = BrokerProcess(directory)

    @property
    def settings(self) -> SignalSettings:
        there = self.storage.settings.model_dump(exclude={"brokers", "broker_admin"})
        return SignalSettings(
            **there,
            brokers=self.broker.bootstrap,
            broker_admin=self.broker.admin_url,
            alerter_probe_every_s=EVERY_S,
            alerter_lag_every_s=EVERY_S,
            alerter_probe_timeout_s=1.0,
        )

    async def publish(self, *events: tuple[str, Event]) -> None:
        bus = producer(self.settings, "test")
        await bus.start()
        try:
            for topic, event in events:
                await publish(bus, self.settings, topic, event)
        finally:
            await bus.stop()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    found = Rig(tmp_path_factory.mktemp("signals"))
    try:
        found.broker.start()
        found.storage.start()
        asyncio.run(bootstrap_topics(found.settings))
        yield found
    finally:
        found.storage.close()
        found.broker.close()


class Wait:
    """Wait until something holds, looked at whenever a source tells of a change."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.causes: list[str | None] = []

    def changed(self, names: frozenset[str], cause: str | None = None) -> None:
        assert names
        self.causes.append(cause)
        self._changed.set()

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def probing(settings: SignalSettings, wait: Wait) -> AsyncIterator[Callable[[], Vector]]:
    found = Probing(
        {
            "catalog": CatalogProbe(settings),
            "object_store": ObjectStoreProbe(settings, settings.alerter_probe_timeout_s),
            "broker": BrokerProbe(settings),
        },
        EVERY_S,
        settings.alerter_probe_timeout_s,
        wait.changed,
    )
    assert not found.known(0)
    found.start()
    try:
        yield lambda: found.vectors(0)[UP] if found.known(0) else {}
    finally:
        await found.stop()


def up(**targets: bool) -> Vector:
    return {labels(target=name): float(is_up) for name, is_up in targets.items()}


@pytest.mark.asyncio
async def test_a_store_that_hangs_is_down_for_catalog_and_objects_and_comes_back(rig: Rig) -> None:
    wait = Wait()
    async with probing(rig.settings, wait) as seen:
        await wait.until(lambda: seen() == up(catalog=True, object_store=True, broker=True))
        rig.storage.pause()
        try:
            await wait.until(lambda: seen() == up(catalog=False, object_store=False, broker=True))
        finally:
            rig.storage.resume()
        await wait.until(lambda: seen() == up(catalog=True, object_store=True, broker=True))


@pytest.mark.asyncio
async def test_credentials_that_are_refused_are_no_good_answer(rig: Rig) -> None:
    wrong = {"s3_secret_key": "wrong", "catalog_credential": "wrong:wrong", "broker_admin": ""}
    settings = SignalSettings(**{**rig.settings.model_dump(), **wrong})
    wait = Wait()
    async with probing(settings, wait) as seen:
        await wait.until(seen)
        assert seen() == up(catalog=False, object_store=False, broker=True)


@pytest.mark.asyncio
async def test_lag_is_what_stands_behind_the_committed_offsets(rig: Rig) -> None:
    await rig.publish((COMMITS, commit(1)), (COMMITS, commit(2)), (COMMITS, commit(3)))
    reader = AIOKafkaConsumer(
        **connection(rig.settings), group_id="reports", enable_auto_commit=False
    )
    reader.subscribe([COMMITS])
    await reader.start()
    wait = Wait()
    lag = ConsumerLag(rig.settings, EVERY_S, GROUPED, wait.changed)
    try:
        async with asyncio.timeout(WITHIN_S):
            while not (partitions := reader.assignment()):
                await reader.getmany(timeout_ms=100)
        ends = await reader.end_offsets(partitions)
        behind = 2
        full = max(ends, key=ends.__getitem__)
        await reader.commit({each: end - behind * (each == full) for each, end in ends.items()})
        lag.start()
        await wait.until(lambda: lag.known(0))
        seen = lag.vectors(0)
        assert seen[LAG] == {labels(group="reports", topic=COMMITS): float(behind)}
        assert seen[MEMBERS] == {
            labels(group=name): 0.0
            for name in ("alerter", "maintainer", "stream_writer", "transformer")
        }, "of our services also while they are gone, of others none"
    finally:
        await reader.stop()
        await lag.stop()


def commit(number: int, rows: int = 5) -> TableCommitted:
    return TableCommitted(
        table=TABLE,
        uuid="u",
        snapshot_id=number,
        parent_snapshot_id=None,
        sequence_number=number,
        operation="append",
        committed_at=datetime.now(UTC),
        offsets={TOPIC: {0: 10 * number}},
        added_rows=rows,
        total_rows=rows * number,
        total_files=number,
        snapshots=number,
        oldest_received_at=datetime.now(UTC) - timedelta(seconds=9),
    )


def letter(offset: int | None) -> DeadLetter:
    return DeadLetter(
        stage="receiving",
        service="ingest",
        reason="invalid_json",
        detail="not JSON",
        topic=TOPIC,
        partition=None if offset is None else 0,
        offset=offset,
        delivery_id=None if offset is not None else "d-1",
        failed_at=datetime.now(UTC),
        value=b'{"email": "ada@example.com"',
    )


def value(signals: Signals, name: str, **series: str) -> float | None:
    """One value as it is now; ``None`` where there is no such series, or nobody knows."""
    now = datetime.now(UTC).timestamp()
    [source] = [each for each in signals.sources if name in each.names]
    return source.vectors(now)[name].get(labels(**series)) if source.known(now) else None


@pytest.mark.asyncio
async def test_events_become_signals_over_a_restart_and_a_dropped_table_has_none(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "SEEN_FIRST_S", 0)
    began = datetime.now(UTC).timestamp()
    stopped = PartitionStopped(
        topic=TOPIC, partition=0, table=TABLE, reason="log_replaced", stopped_at=datetime.now(UTC)
    )
    await rig.publish((COMMITS, commit(11)), (TABLES, commit(11)), (PARTITIONS, stopped))
    wait = Wait()
    signals = Signals(rig.settings, wait.changed, tmp_path / "learned.json")
    signals.start()
    try:
        halted = {"topic": TOPIC, "partition": "0", "reason": "log_replaced"}
        await wait.until(lambda: value(signals, "lakehouse_partition_halted", **halted) == 1)
        figures = {"layer": "raw", "table": TABLE}
        await wait.until(lambda: value(signals, "iceberg_table_file_count", **figures) == 11)
        landed = ("lakehouse_rows_landed_total", TABLE)
        assert value(signals, landed[0], table=landed[1]) == 0, "what was before is not counted"

        event = commit(12)
        await rig.publish((COMMITS, event), (TABLES, event))
        await wait.until(lambda: value(signals, "iceberg_table_file_count", **figures) == 12)
        assert event.event_id() in wait.causes
        assert value(signals, landed[0], table=landed[1]) == 5
        assert value(signals, "lakehouse_table_objective_missed", **figures) == 1

        for _ in range(2):
            await rig.publish((DEAD_LETTERS, letter(7)), (DEAD_LETTERS, letter(None)))
        seen = "lakehouse_dead_letters_seen_total"
        await wait.until(lambda: value(signals, seen, topic=TOPIC) == 2)
        assert value(signals, seen, topic="stripe.charges") == 0
    finally:
        await signals.stop()

    wait = Wait()
    again = Signals(rig.settings, wait.changed, tmp_path / "learned.json", looked_until=began)
    again.start()
    try:
        await wait.until(lambda: value(again, "iceberg_table_file_count", **figures) == 12)
        silence = value(again, "lakehouse_landing_silence_seconds", table=TABLE)
        assert silence is not None
        assert value(again, landed[0], table=landed[1]) == 0
        await wait.until(lambda: value(again, seen, topic=TOPIC) == 2)
        bus = producer(rig.settings, "test")
        await bus.start()
        try:
            await erase(bus, rig.settings, TABLES, TABLE)
        finally:
            await bus.stop()
        await wait.until(lambda: value(again, "iceberg_table_file_count", **figures) is None)
        assert value(again, "lakehouse_landing_silence_seconds", table=TABLE) is None
    finally:
        await again.stop()


@pytest.mark.asyncio
async def test_while_the_broker_is_away_lag_is_not_known_and_it_is_down(rig: Rig) -> None:
    wait = Wait()
    lag = ConsumerLag(rig.settings, EVERY_S, GROUPED, wait.changed)
    lag.start()
    try:
        async with probing(rig.settings, wait) as seen:
            await wait.until(lambda: lag.known(0))
            await wait.until(lambda: seen() == up(catalog=True, object_store=True, broker=True))
            rig.broker.kill9()
            await wait.until(lambda: seen() == up(catalog=True, object_store=True, broker=False))
            await wait.until(lambda: not lag.known(0))
            rig.broker.start()
            await wait.until(lambda: seen() == up(catalog=True, object_store=True, broker=True))
            await wait.until(lambda: lag.known(0))
    finally:
        await lag.stop()


def test_settings_that_mean_no_table_or_no_duration_are_refused() -> None:
    with pytest.raises(ValueError, match="no landing table"):
        SignalSettings(alerter_expected_every="raw.nothing=30s")
    with pytest.raises(ValueError, match="no duration"):
        SignalSettings(alerter_expected_every=f"{TABLE}=soon")
    found = SignalSettings(alerter_expected_every=f"{TABLE}=1h30m, raw.stripe_charges=30s")
    assert found.expected_every == {
        TABLE: 5400.0,
        "raw.stripe_charges": 30.0,
        "raw.ga4_events": 26 * 3600.0,
    }
