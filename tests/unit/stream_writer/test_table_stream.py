"""One table's stream over a real lake: whatever happens to it, every row lands once, and soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pyiceberg.exceptions import ServiceUnavailableError

from services.stream_writer import committing, settling
from services.stream_writer.buffer import Work
from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.dead_letters import DeadLetterSink
from services.stream_writer.partition_batch import PartitionBatch
from services.stream_writer.partition_board import Stop
from services.stream_writer.preparing import Prepared
from services.stream_writer.record_batches.record import Malformed
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_partitions import RECORD_BYTES
from services.stream_writer.table_stream import TableStream
from services.stream_writer.table_writer import TableWriter
from shared.contracts.tables import TableCommitted
from shared.lake.adoption import adopt
from shared.lake.commit import Outcome, Thinning
from shared.lake.outbox import Outbox
from shared.lake.table_state import TableState
from shared.runtime.bus import producer
from shared.runtime.metrics import Instruments
from shared.runtime.table_states import TableStates
from tests.support.batches import batch
from tests.support.group import Group
from tests.support.lake import EVENTS, TOPIC, Lake

WITHIN_S = 20.0
LIMIT_BYTES = 2**20
KEYS = [(TOPIC, 0), (TOPIC, 1)]


class Faulty(TableWriter):
    """Fails to prepare as often as it is told to."""

    faults = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.thinned: list[bool] = []
        """Whether each write could remove snapshots."""

    def prepare(self, work: Work) -> Prepared:
        if self.faults:
            self.faults -= 1
            raise ValueError("injected")
        return super().prepare(work)

    def write(self, prepared: Prepared, thinning: Thinning | None) -> Outcome:
        self.thinned.append(thinning is not None)
        return super().write(prepared, thinning)


class Told:
    """How partitions stand, as others are told."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], str] = {}

    def stopped(self, table: str, key: tuple[str, int], stop: Stop) -> None:
        assert table == EVENTS.name
        self.partitions[key] = stop.reason

    def flows(self, table: str, key: tuple[str, int]) -> None:
        assert table == EVENTS.name
        self.partitions[key] = "flows"

    def released(self, key: tuple[str, int]) -> None:
        self.partitions.pop(key, None)


class Rig:
    """A stream, its lake and its group."""

    def __init__(self, directory: Path) -> None:
        self.lake = Lake(directory, EVENTS)
        settings = StreamWriterSettings(
            stream_writer_max_age_s=0.05, stream_writer_buffer_bytes=LIMIT_BYTES
        )
        self.instruments = Instruments("stream_writer")
        self.producer = producer(settings, "test")
        """Never started: no record here is bad."""
        states = self.states = TableStates(settings)
        states.reader.caught_up.set()
        self.announced: list[int] = []
        self.group = Group(self._take)
        self.group.ends = dict.fromkeys(KEYS, 0)
        self.writer = Faulty(self.lake.handle(), EVENTS, 600.0)
        self.outbox = Outbox(EVENTS.name, states, self._announce, self._state)
        self.told = Told()
        self.stream = TableStream(
            self.writer,
            settings,
            self.group,
            states,
            self.outbox,
            DeadLetterSink(self.producer, settings, self.instruments),
            StreamMetrics(self.instruments),
            notices=self.told,
        )

    async def _announce(self, event: TableCommitted) -> None:
        self.announced.append(event.sequence_number)

    async def _state(self) -> TableState:
        return self.lake.state

    def _take(self, fetched: PartitionBatch) -> None:
        self.stream.take(fetched)

    def assign(self, *keys: tuple[str, int]) -> None:
        self.group.generation += 1
        self.group.positions.clear()
        self.stream.assigned(keys, self.group.generation)

    async def until(self, condition: Callable[[], object], most: int = 10) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self.group.deliver(most)
                await asyncio.sleep(0.01)

    async def until_landed(self, most: int = 10) -> None:
        ends = {key: end for key, end in self.group.ends.items() if end}
        await self.until(lambda: ends.items() <= self.group.stored.items(), most)
        wanted = {(key[1], offset): 1 for key, end in ends.items() for offset in range(end)}
        assert self.lake.offsets() == wanted

    def flowing(self) -> object:
        return self.stream.status()["flowing"]


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    found = Rig(tmp_path)
    found.stream.start()
    yield found
    await found.stream.drain(1.0)
    await found.producer.stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "RECHECK_S", 0.05)
    monkeypatch.setattr(committing, "RETRY_S", 0.02)


@pytest.mark.asyncio
async def test_everything_lands_once(rig: Rig) -> None:
    rig.group.ends = {KEYS[0]: 45, KEYS[1]: 30}
    rig.assign(*KEYS)
    await rig.until_landed()


@pytest.mark.asyncio
async def test_a_fault_of_ours_stops_the_partition_only_for_a_while(rig: Rig) -> None:
    rig.writer.faults = 2
    rig.group.ends[KEYS[0]] = 20
    rig.assign(*KEYS)
    await rig.until(lambda: rig.stream.status()["stopped"])
    stopped = rig.stream.status()["stopped"]
    assert isinstance(stopped, dict)
    assert stopped[f"{TOPIC}/0"].startswith(f"InternalError: ValueError while landing {TOPIC}/0 [0")
    assert b'reason="internal_error"' in rig.instruments.exposition()
    await rig.until_landed()
    await rig.until(lambda: not rig.stream.status()["stopped"])
    assert b'reason="internal_error"' not in rig.instruments.exposition()


@pytest.mark.asyncio
async def test_a_partition_that_cannot_be_read_is_tried_again(rig: Rig) -> None:
    rig.group.ends = {KEYS[0]: 20, KEYS[1]: 20}
    rig.assign(*KEYS)
    await rig.until(lambda: rig.flowing() == [f"{TOPIC}/0", f"{TOPIC}/1"])
    rig.stream.partition_failed(KEYS[0], Malformed("injected"))
    stopped = rig.stream.status()["stopped"]
    assert isinstance(stopped, dict)
    assert stopped.keys() == {f"{TOPIC}/0"}
    assert stopped[f"{TOPIC}/0"].startswith(f"CorruptRecords: what the broker sent of {TOPIC}/0")
    assert b'reason="corrupt_records"' in rig.instruments.exposition()
    assert rig.told.partitions == {KEYS[0]: "corrupt_records", KEYS[1]: "flows"}
    await rig.until_landed()
    assert rig.stream.status()["stopped"] == {}
    assert rig.told.partitions == dict.fromkeys(KEYS, "flows")
    rig.stream.revoked()
    assert rig.told.partitions == {}, "whoever gets them tells"


@pytest.mark.asyncio
async def test_a_catalog_that_is_away_for_the_sweep_stops_no_partition(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are committed by then; what is not swept now waits."""
    sweeps: list[dict[str, object]] = []

    def away() -> int:
        sweeps.append(rig.stream.status())
        raise ServiceUnavailableError("injected")

    monkeypatch.setattr(rig.writer, "sweep", away)
    monkeypatch.setattr(rig.writer.sweeper, "due", lambda: True)
    rig.assign(*KEYS)
    rig.group.ends[KEYS[0]] = 10
    await rig.until_landed()
    rig.group.ends[KEYS[0]] = 20
    await rig.until_landed()
    assert sweeps
    assert b'reason="internal_error"' not in rig.instruments.exposition()
    assert rig.stream.status()["stopped"] == {}


@pytest.mark.asyncio
async def test_one_partition_that_is_behind_does_not_hold_up_the_others(rig: Rig) -> None:
    """The work of both is refused: what was read of the other one must be read again at once."""
    rig.assign(*KEYS)
    rig.group.ends = dict.fromkeys(KEYS, 10)
    await rig.until_landed()
    first = rig.lake.head.snapshot_id
    rig.group.ends[KEYS[0]] = 20
    await rig.until_landed()
    rig.lake.roll_back(first)
    rig.group.stored.clear()
    rig.group.ends = {KEYS[0]: 25, KEYS[1]: 15}
    rig.group.deliver()
    await rig.until_landed()


@pytest.mark.asyncio
async def test_who_has_lost_the_table_announces_nothing(rig: Rig) -> None:
    rig.assign(*KEYS)
    rig.group.ends[KEYS[0]] = 10
    await rig.until_landed()
    await rig.until(lambda: rig.announced)
    rig.assign()
    assert not rig.outbox.owner
    rig.assign(KEYS[1])
    assert not rig.outbox.owner
    rig.assign(KEYS[0])
    assert rig.outbox.owner


@pytest.mark.asyncio
async def test_nothing_is_thinned_before_it_is_known_what_readers_have_recorded(rig: Rig) -> None:
    rig.states.reader.caught_up.clear()
    rig.assign(KEYS[0])
    rig.group.ends[KEYS[0]] = 5
    await rig.until_landed()
    assert not any(rig.writer.thinned)
    rig.states.reader.caught_up.set()
    rig.group.ends[KEYS[0]] = 10
    await rig.until_landed()
    assert rig.writer.thinned[-1]


@pytest.mark.asyncio
async def test_nothing_to_do_is_settled(rig: Rig) -> None:
    rig.assign()
    assert rig.stream.settled


@pytest.mark.asyncio
async def test_a_full_buffer_is_committed_and_fetching_goes_on(rig: Rig) -> None:
    rig.assign(*KEYS)
    await rig.until(lambda: len(rig.group.positions) == len(KEYS))
    rig.group.ends[KEYS[0]] = 5 * LIMIT_BYTES // RECORD_BYTES
    rig.group.deliver(most=LIMIT_BYTES // RECORD_BYTES + 1)
    assert rig.group.paused == set(KEYS)
    await rig.until_landed(most=1000)
    assert not rig.group.paused


@pytest.mark.asyncio
async def test_what_was_dropped_no_longer_fills_the_buffer(rig: Rig) -> None:
    rig.assign(*KEYS)
    await rig.until(lambda: len(rig.group.positions) == len(KEYS))
    rig.group.ends[KEYS[0]] = LIMIT_BYTES // RECORD_BYTES + 1
    rig.group.deliver(most=rig.group.ends[KEYS[0]])
    assert rig.group.paused == set(KEYS)
    rig.stream.partition_failed(KEYS[0], OSError("injected"))
    assert rig.group.paused == {KEYS[0]}, "only the one that is settled anew"
    await rig.until_landed(most=1000)


@pytest.mark.asyncio
async def test_metrics_of_a_partition_go_with_it(rig: Rig) -> None:
    rig.assign(*KEYS)
    rig.group.ends = dict.fromkeys(KEYS, 10)
    await rig.until_landed()
    await rig.until(lambda: rig.instruments.exposition().count(b"lakehouse_table_position{") == 2)
    rig.assign(KEYS[1])
    await rig.until(rig.flowing)
    assert b"lakehouse_table_position{" not in rig.instruments.exposition()
    held = 'lakehouse_buffered_bytes{table="raw.events"}'
    assert f"{held} 0.0".encode() in rig.instruments.exposition()
    rig.group.ends[KEYS[1]] = 11
    rig.group.deliver()
    assert f"{held} 0.0".encode() not in rig.instruments.exposition()


@pytest.mark.asyncio
async def test_what_was_read_before_an_operators_statement_is_not_landed_after_it(
    rig: Rig,
) -> None:
    """It may be of another log than the one that the operator spoke of."""
    rig.assign(*KEYS)
    rig.group.ends = dict.fromkeys(KEYS, 10)
    await rig.until_landed()
    stale = batch(10, 30, generation=rig.group.generation)
    adopt(rig.lake.handle(), {KEYS[0]: 10}, reason="recreated", actor="test")
    rig.stream.take(stale)
    await rig.until(lambda: rig.group.positions[KEYS[0]] == 10 and rig.flowing())
    rig.group.ends[KEYS[0]] = 12
    await rig.until_landed()


@pytest.mark.asyncio
async def test_a_drain_ends_whenever_it_begins(rig: Rig) -> None:
    """Also when what the loops wait for happens in the same moment."""
    for _ in range(3):
        await asyncio.sleep(0)
    rig.assign(*KEYS)
    rig.group.deliver()
    async with asyncio.timeout(5):
        await rig.stream.drain(1.0)
