"""From buffered batches to one committed snapshot of one table. Runs in the table's own thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from pyiceberg.manifest import DataFile

from services.stream_writer.buffer import Work
from services.stream_writer.doubts import end_doubts
from services.stream_writer.landing import Landing, PositionsLost, land
from services.stream_writer.parsing.rows import parse
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.preparing import Prepared, prepare
from services.stream_writer.receipts import oldest_receipt
from services.stream_writer.redeliveries import RedeliveryMemory
from services.stream_writer.repeats import first_of_each, identities, without
from services.stream_writer.replays import ReplayMemory
from shared.contracts.envelope import rfc3339
from shared.lake.announcements import KEY_ERRORS, KEY_RECEIVED, KEY_REPEATS, KEY_ROWS
from shared.lake.commit import Append, Head, Outcome, Result, Thinning, commit
from shared.lake.handle import TableHandle
from shared.lake.landed_ids import Id, landed_ids
from shared.lake.landing_files import write_data_file
from shared.lake.position import Adoptions
from shared.lake.positions import Positions
from shared.lake.recent_rows import recent_rows
from shared.lake.recorded import recorded
from shared.lake.sweeping import Sweeper
from shared.tables.spec import TableSpec

WARM_UP = timedelta(minutes=10)
WARM_UP_ROWS = 50_000
WARM_UP_FILES = 60


class TableWriter:
    """Commits to one landing table. Used by one thread at a time."""

    def __init__(
        self,
        handle: TableHandle,
        spec: TableSpec,
        sweep_delay_s: float,
        patience_s: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.handle = handle
        self.spec = spec
        self.sweeper = Sweeper(sweep_delay_s)
        self.replays = ReplayMemory()
        self.redeliveries = RedeliveryMemory()
        self.first_seen: dict[PartitionKey, int] = {}
        """Log's start of the partitions that the table had never seen: only what begins there may
        be its first."""
        self.adoptions: dict[PartitionKey, Adoptions] = {}
        """What operators had stated about a partition's position when it was settled."""
        self._patience_s = patience_s
        self._clock = clock
        self._sleep = sleep

    def positions(self) -> Positions | None:
        """The recorded positions of the table as it is now, ``None`` when it does not say.

        Raises:
            NotFound, OSError: the table cannot be loaded.
        """
        return recorded(self.handle.reload()).positions

    def settled(self, key: PartitionKey, positions: Positions, first: int | None) -> None:
        """From now on a partition is read as ``positions`` say.

        Args:
            key: the partition.
            positions: of the table.
            first: the log's start, if the table has never seen the partition.
        """
        if first is None:
            self.first_seen.pop(key, None)
        else:
            self.first_seen[key] = first
        self.adoptions[key] = positions.adoptions(*key)

    def warm_up(self) -> None:
        """Do once what the first commit should not wait for.

        Learn the most recent deliveries and events from the table, to recognise them; compile the
        decoder of every topic; open the connection to the object store.
        """
        for topic in self.spec.topics:
            parse(self.spec, topic, [], datetime.now(UTC))
        table = self.handle.load()
        table.io.new_input(table.metadata_location).exists()
        rows = recent_rows(
            table,
            "_loaded_at",
            datetime.now(UTC) - WARM_UP,
            (
                *("_delivery_id", "_topic", "_partition", "_offset"),
                *("_event_type", "_event_id", "_replayed"),
            ),
            files=WARM_UP_FILES,
            rows=WARM_UP_ROWS,
        )
        places = zip(
            rows["_topic"].to_pylist(),
            rows["_partition"].to_pylist(),
            rows["_offset"].to_pylist(),
            strict=True,
        )
        pairs = zip(rows["_delivery_id"].to_pylist(), places, strict=True)
        self.replays.learn((delivery, place) for delivery, place in pairs if delivery)
        self.redeliveries.count(rows)

    def prepare(self, work: Work) -> Prepared:
        """Parse the records of a piece of work, once."""
        return prepare(self.spec, self.replays, work)

    def write(self, prepared: Prepared, thinning: Thinning | None) -> Outcome:
        """Commit prepared work; whatever the table holds already is left out.

        Of a table whose rows are told apart by ids that is also what it knows by its id, on the
        head that is asserted.

        The table is asked first whether rows that may be repeats are.

        Raises:
            PartitionsBehind: the table stands before the work in some partitions; nothing was
                committed.
            PositionsLost: the table does not say where it stands; nothing was committed.
            Unavailable: no known outcome yet; call again with the same ``prepared``.
            Refused, NotFound: the catalog refuses.
        """
        if prepared.doubtful is not None:
            self._end_doubts(prepared)
        bad_rows = [record.index for record in prepared.bad]
        ids = identities(self.spec, prepared.rows)
        within = first_of_each(ids)
        written: dict[tuple[object, ...], list[DataFile]] = {}

        def on(head: Head, may_reuse_files: bool) -> Append | None:
            positions = head.recorded.positions
            if positions is None:
                raise PositionsLost(self.spec.name)
            landing = land(
                prepared.work,
                prepared.slices,
                bad_rows,
                positions,
                self.first_seen,
                prepared.work.adoptions,
                within.repeats | self._known(within.rows, head),
            )
            if landing is None:
                return None
            prepared.repeats = landing.repeats
            if not may_reuse_files:
                written.clear()
            cut_key = (landing.repeats, *landing.starts.items())
            files = written.get(cut_key)
            if files is None:
                files = self._files(prepared, landing)
                written[cut_key] = files
            summary = {KEY_ROWS: str(landing.rows), KEY_ERRORS: str(landing.errors)}
            if landing.repeats:
                summary[KEY_REPEATS] = str(len(landing.repeats))
            received = self._received(prepared, landing)
            if received is not None:
                summary[KEY_RECEIVED] = rfc3339(received)
            return Append(files, landing.positions, summary)

        outcome = self._commit(on, prepared.work, prepared.commit_id, thinning)
        if outcome.result is not Result.NOTHING and not self.spec.once_by:
            prepared.redelivered = self.redeliveries.count(prepared.rows)
        return outcome

    def sweep(self) -> int:
        """Delete manifests of removed snapshots that are due; the number of objects deleted."""
        if not self.sweeper.due():
            return 0
        return self.sweeper.sweep(self.handle.reload(), self.handle.table.io)

    def _commit(
        self,
        on: Callable[[Head, bool], Append | None],
        work: Work,
        commit_id: str,
        thinning: Thinning | None,
    ) -> Outcome:
        """Commit what ``on`` decides; the partitions of ``work`` are known to the table then."""
        outcome = commit(
            self.handle,
            on,
            commit_id=commit_id,
            writer="stream_writer",
            thinning=thinning,
            patience_s=self._patience_s,
            clock=self._clock,
            sleep=self._sleep,
        )
        for key in work.batches:
            self.first_seen.pop(key, None)
        self.sweeper.removed(outcome.state.table_uuid, outcome.removed)
        return outcome

    def _known(self, rows: Mapping[Id, int], head: Head) -> frozenset[int]:
        """Which rows say what the head knows; ``rows`` are the first ones of their ids."""
        if not rows:
            return frozenset()
        try:
            found = landed_ids(self.handle.table, head.snapshot, self.spec.once_by, rows)
        except OSError:
            self.handle.renew()
            raise
        return frozenset(rows[each] for each in found)

    def _end_doubts(self, prepared: Prepared) -> None:
        state = self.handle.reload()
        try:
            end_doubts(prepared, self.handle, state)
        except OSError:
            self.handle.renew()
            raise

    def _received(self, prepared: Prepared, landing: Landing) -> datetime | None:
        return oldest_receipt(prepared.rows, landing.parts)

    def _files(self, prepared: Prepared, landing: Landing) -> list[DataFile]:
        if not landing.rows:
            return []
        parts = [
            without(prepared.rows.slice(begin, count), begin, landing.repeats)
            for begin, count in landing.parts
        ]
        day = prepared.loaded_at.date() if self.spec.partition_by else None
        try:
            return [write_data_file(self.handle.table, pa.concat_tables(parts), day)]
        except OSError:
            self.handle.renew()
            raise
