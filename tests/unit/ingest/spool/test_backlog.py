"""What memory knows of a stream: how much is left, and what may have been sent before."""

from __future__ import annotations

from services.ingest.spool.backlog import Backlog, with_doubt
from services.ingest.spool.frames import Entry, Position, encode_entry, encode_frame
from services.ingest.spool.store import StreamKey
from services.ingest.spool.stream import Read, Stream
from shared.contracts.envelope import MAY_REPEAT
from tests.support.crashing_disk import CrashingDisk

KEY = StreamKey("shopify", "shopify.orders")


def read(sequence: int) -> Read:
    return Read(sequence, Entry(b"k", b"%d" % sequence, [("x", b"y")], 1), Position(1, sequence))


def doubtful(reads: list[Read]) -> list[int]:
    return [read.sequence for read in reads if MAY_REPEAT in dict(read.entry.headers)]


def test_what_is_sent_for_the_first_time_is_beyond_doubt() -> None:
    backlog = Backlog(KEY)
    assert doubtful(backlog.hand_over([read(0), read(1)])) == []
    assert doubtful(backlog.hand_over([read(2)])) == []


def test_what_was_handed_over_before_may_be_a_repeat() -> None:
    backlog = Backlog(KEY)
    backlog.hand_over([read(0), read(1)])
    backlog.delivered(0)
    again = backlog.hand_over([read(0), read(1), read(2)])
    assert [each.sequence for each in again] == [1, 2]
    assert doubtful(again) == [1]
    assert again[0].entry.headers == [("x", b"y"), (MAY_REPEAT, b"1")]


def test_what_was_found_on_disk_may_be_a_repeat() -> None:
    """Nobody knows how far its owner came."""
    disk = CrashingDisk()
    entry = encode_entry(Entry(b"k", b"v", [], 1))
    Stream(disk, 1000).append([encode_frame(each, entry) for each in range(3)], 3)
    found = Stream(disk, 1000)
    backlog = Backlog(KEY, found)
    assert doubtful(backlog.hand_over(found.read(1000))) == [0, 1, 2]
    backlog.take(1.0)
    assert doubtful(backlog.hand_over([read(3)])) == []


def test_doubt_is_told_once() -> None:
    assert with_doubt(with_doubt([])) == [(MAY_REPEAT, b"1")]
