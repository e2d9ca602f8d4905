"""Whatever is written, sent, lost and torn: the spool gives back what it accepted, in order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.ingest.spool.backlog import Backlog
from services.ingest.spool.frames import Entry, encode_entry, encode_frame
from services.ingest.spool.quota import Full, Quota
from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read, Stream
from shared.contracts.envelope import MAY_REPEAT
from tests.support.crashing_disk import CrashingDisk

LIMIT_BYTES = 6000
KEY = StreamKey("shopify", "shopify.orders")
OVERHEAD = 128
"""What a group may take beside its frames."""


def _fails() -> st.SearchStrategy[int | None]:
    """After how many operations the disk fails, if it does."""
    return st.none() | st.integers(0, 3)


class Spooling(RuleBasedStateMachine):
    """A stream of two partitions, a broker, and crashes between and within everything.

    A delivery is ``number``; its partition is its number modulo 2.
    """

    def __init__(self) -> None:
        super().__init__()
        self.disk = CrashingDisk()
        self.number = 0
        self.accepted: list[int] = []
        self.refused: set[int] = set()
        self.broker: list[int] = []
        self.marked: list[bool] = []
        """Of each whether it says that it may have come before."""
        self.delivered: set[int] = set()
        """What this process knows to be on the broker, by sequence."""
        self.repeats_allowed = 0
        self.quota = Quota(LIMIT_BYTES, 1.0)

    @initialize(segment_bytes=st.integers(1, 800))
    def start(self, segment_bytes: int) -> None:
        self.segment_bytes = segment_bytes
        self.stream = Stream(self.disk, segment_bytes)
        self.backlog = Backlog(KEY, self.stream)
        self.sequence = 0

    @rule(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=5), fails=_fails())
    def write(self, sizes: list[int], fails: int | None) -> None:
        frames = []
        numbers = []
        for size in sizes:
            entry = Entry(b"%d" % (self.number % 2), b"%d" % self.number, [("x", bytes(size))], 1)
            frame = encode_frame(self.sequence, encode_entry(entry))
            try:
                self.quota.reserve("shopify", len(frame) + OVERHEAD)
            except Full:
                break
            frames.append(frame)
            numbers.append(self.number)
            self.number += 1
            self.sequence += 1
        if not frames:
            return
        before = self.stream.size
        reserved = sum(map(len, frames)) + OVERHEAD * len(frames)
        self.disk.fails = fails
        try:
            self.stream.append(frames, self.sequence)
        except OSError:
            self.refused |= set(numbers)
        else:
            self.accepted += numbers
        self.disk.fails = None
        self.quota.add("shopify", self.stream.size - before - reserved)

    @rule(
        limit=st.integers(1, 1500),
        acknowledged=st.integers(0, 5),
        lost=st.integers(0, 3),
        fails=_fails(),
    )
    def replay(self, limit: int, acknowledged: int, lost: int, fails: int | None) -> None:
        """Send a chunk: some are acknowledged, of some the acknowledgement is lost."""
        chunk = self.stream.read(limit)
        todo = self.backlog.hand_over(chunk)
        for read in todo[:acknowledged]:
            self.arrives(read)
            self.delivered.add(read.sequence)
            self.backlog.delivered(read.sequence)
        lost_here = todo[acknowledged : acknowledged + lost]
        for read in lost_here:
            self.arrives(read)
        self.repeats_allowed += len(lost_here)
        done = None
        for read in chunk:
            if read.sequence not in self.delivered:
                break
            done = read
        if done is not None:
            self.disk.fails = fails
            try:
                freed = self.stream.advance(done.end)
                self.quota.add("shopify", -freed)
            except OSError:
                # Known in memory, and not beyond a crash.
                self.quota.add("shopify", self.stream.size - self.quota.total)
            self.disk.fails = None
        self.stream.rewind()

    def arrives(self, read: Read) -> None:
        self.broker.append(int(read.entry.value))
        self.marked.append(MAY_REPEAT in dict(read.entry.headers))

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.disk.crash(
            lambda unsynced: data.draw(st.integers(0, unsynced)),
            lambda: data.draw(st.booleans()),
        )
        self.recover()

    @rule()
    def end_and_start(self) -> None:
        self.stream.close()
        self.recover()

    def recover(self) -> None:
        # Whatever was sent and not noted durably may be sent again.
        self.repeats_allowed += len(self.delivered)
        self.delivered = set()
        self.stream = Stream(self.disk, self.segment_bytes)
        self.backlog = Backlog(KEY, self.stream)
        assert not self.stream.damaged
        assert self.stream.next_sequence <= self.sequence
        self.sequence = max(self.sequence, self.stream.next_sequence)
        self.quota = Quota(LIMIT_BYTES, 1.0)
        self.quota.add("shopify", self.stream.size)

    @invariant()
    def is_bounded(self) -> None:
        if hasattr(self, "stream"):
            assert self.stream.size == self.quota.total <= LIMIT_BYTES

    def teardown(self) -> None:
        """The broker stays: everything accepted arrives, in order, and little twice."""
        if not hasattr(self, "stream"):
            return
        while chunk := self.stream.read(700):
            for read in self.backlog.hand_over(chunk):
                self.arrives(read)
            self.stream.advance(chunk[-1].end)
        assert self.stream.size == 0
        firsts = list(dict.fromkeys(self.broker))
        assert set(self.accepted) <= set(firsts), "accepted and lost"
        assert set(firsts) <= set(self.accepted) | self.refused
        for partition in (0, 1):
            arrived = [number for number in firsts if number % 2 == partition]
            assert arrived == sorted(arrived), "order within a partition"
        assert len(self.broker) - len(firsts) <= self.repeats_allowed
        seen: set[int] = set()
        for number, marked in zip(self.broker, self.marked, strict=True):
            assert marked or number not in seen, "a repeat says that it may be one"
            seen.add(number)


TestSpooling = Spooling.TestCase
TestSpooling.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
