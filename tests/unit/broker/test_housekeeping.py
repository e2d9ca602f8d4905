"""Retention and compaction of one partition."""

import asyncio
import time
from pathlib import Path

import pytest

from deploy.embedded.broker.housekeeping import tidy
from deploy.embedded.broker.partition_log import PartitionLog
from deploy.embedded.broker.record_batch import read_header
from deploy.embedded.broker.records import decode
from deploy.embedded.broker.topic_configs import log_config
from tests.unit.broker.logs import NOW_MS, append, flush, make_log, read

pytestmark = pytest.mark.asyncio

DAY_MS = 86_400_000


async def tidied(log: PartitionLog, now_ms: int = NOW_MS) -> None:
    await tidy(log, now_ms, 86_400.0)


def content(log: PartitionLog) -> dict[int, tuple[bytes | None, bool]]:
    """Offset → key and whether it is a tombstone, as a consumer reads the log."""
    found: dict[int, tuple[bytes | None, bool]] = {}
    offset = log.start_offset
    while offset < log.high_watermark:
        chunk = memoryview(read(log, offset))
        position = 0
        if not chunk:
            break
        while position < len(chunk):
            header = read_header(chunk, position)
            batch = chunk[position : position + header.size]
            found |= {each.offset: (each.key, each.is_tombstone) for each in decode(batch)}
            position += header.size
            offset = header.last_offset + 1
    return found


def files(directory: Path) -> dict[Path, bytes]:
    """The segment files and what they hold."""
    return {path: path.read_bytes() for path in directory.glob("*.log")}


async def test_old_segments_go_and_the_start_moves(tmp_path: Path) -> None:
    log = make_log(tmp_path, segment_bytes="1024", retention_ms="1000")
    for number in range(4):
        append(log, [(b"k", b"x" * 900)], timestamp=NOW_MS + number * 1000)
        flush(log)
    await tidied(log, NOW_MS + 3000)
    assert (log.start_offset, log.high_watermark) == (2, 4)
    assert len(files(tmp_path)) == 2


async def test_a_log_that_is_wholly_old_becomes_empty_and_keeps_its_end(tmp_path: Path) -> None:
    log = make_log(tmp_path, retention_ms="1000")
    append(log)
    flush(log)
    await tidied(log, NOW_MS + DAY_MS)
    assert (log.start_offset, log.high_watermark, log.size) == (1, 1, 0)
    again = make_log(tmp_path)
    assert (again.start_offset, again.high_watermark) == (1, 1)
    assert append(again) == 1
    flush(again)
    assert list(content(again)) == [1]


async def test_retention_by_bytes_keeps_at_least_that_much(tmp_path: Path) -> None:
    log = make_log(tmp_path, segment_bytes="1024", retention_bytes="2500", retention_ms="-1")
    for _ in range(6):
        append(log, [(b"k", b"x" * 900)])
        flush(log)
    await tidied(log)
    assert 2500 <= log.size < 2500 + 1024


async def test_compaction_keeps_the_last_value_of_each_key(tmp_path: Path) -> None:
    log = make_log(tmp_path, cleanup_policy="compact", segment_bytes="1024")
    for number in range(12):
        append(log, [(b"k%d" % (number % 3), b"x" * 400), (b"u%d" % number, b"y")])
        flush(log)
    closed_until = log.segments[-1].base_offset
    before = content(log)
    size = log.size
    await tidied(log)
    after = content(log)
    latest = {key: offset for offset, (key, _) in before.items() if offset < closed_until}
    kept = set(latest.values()) | {offset for offset in before if offset >= closed_until}
    assert set(after) == kept
    assert log.size < size
    assert log.high_watermark == 24
    again = make_log(tmp_path, cleanup_policy="compact", segment_bytes="1024")
    assert content(again) == after


async def test_tombstones_stay_for_their_time(tmp_path: Path) -> None:
    log = make_log(
        tmp_path, cleanup_policy="compact", segment_bytes="1024", delete_retention_ms="5000"
    )
    append(log, [(b"gone", b"value"), (b"gone", None), (b"pad", b"x" * 900)])
    flush(log)
    append(log, [(b"pad", b"x" * 900)])
    flush(log)
    append(log, [(b"pad", b"x" * 900)])
    flush(log)
    await tidied(log, NOW_MS + 1000)
    assert content(log)[1] == (b"gone", True)
    assert 0 not in content(log)
    log.cleaned_until = 0
    await tidied(log, NOW_MS + 6000)
    assert 1 not in content(log)


async def test_a_crash_between_swap_and_removal_is_repaired(tmp_path: Path) -> None:
    log = make_log(tmp_path, cleanup_policy="compact", segment_bytes="1024")
    for _ in range(3):
        append(log, [(b"k", b"x" * 300)])
        flush(log)
    leftovers = files(tmp_path)
    for number in range(6):
        append(log, [(b"k%d" % number, b"x" * 300)])
        flush(log)
    leftovers |= files(tmp_path)
    log.config = log_config({"cleanup.policy": "compact", "segment.bytes": "4096"})
    await tidied(log)
    after = content(log)
    assert leftovers.keys() - files(tmp_path).keys(), "nothing was merged"
    for path in leftovers.keys() - files(tmp_path).keys():
        path.write_bytes(leftovers[path])
    again = make_log(tmp_path, cleanup_policy="compact", segment_bytes="1024")
    latest = {key: offset for offset, (key, _) in content(again).items()}
    assert latest == {key: offset for offset, (key, _) in after.items()}
    assert again.high_watermark == log.high_watermark


async def test_a_reader_goes_on_where_compaction_has_removed_the_end_of_a_segment(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path, cleanup_policy="compact", segment_bytes="1024")
    for key in (b"a", b"b", b"b", b"c", b"d"):
        append(log, [(key, b"x" * 300)])
        flush(log)
    assert [segment.base_offset for segment in log.segments] == [0, 2, 4]
    await tidied(log)
    assert list(content(log)) == [0, 2, 3, 4]
    assert read_header(read(log, 1)).base_offset == 2
    again = make_log(tmp_path, cleanup_policy="compact", segment_bytes="1024")
    assert read_header(read(again, 1)).base_offset == 2


async def test_a_reader_with_a_small_buffer_passes_a_gap(tmp_path: Path) -> None:
    log = make_log(tmp_path, cleanup_policy="compact", segment_bytes="100000")
    for key in (b"a", b"large", b"gone", b"gone", b"last"):
        append(log, [(key, b"x" * (50_000 if key == b"large" else 100))])
        flush(log)
    log.config = log_config({"cleanup.policy": "compact", "segment.bytes": "1024"})
    append(log, [(b"next", b"segment")])
    flush(log)
    await tidied(log)
    assert 2 not in content(log)
    assert read_header(read(log, 2, max_bytes=1000)).base_offset == 3


async def test_retention_in_a_compacted_log_reaches_the_next_segment(tmp_path: Path) -> None:
    log = make_log(
        tmp_path, cleanup_policy="compact,delete", segment_bytes="1024", retention_ms="1000"
    )
    for number, key in enumerate((b"a", b"b", b"b", b"c", b"c", b"d", b"e")):
        append(log, [(key, b"x" * 300)], timestamp=NOW_MS + number // 4 * 5000)
        flush(log)
    await tidied(log, NOW_MS)
    await tidied(log, NOW_MS + 5000)
    assert list(content(log)) == [4, 5, 6]
    assert (log.start_offset, log.segments[0].base_offset) == (4, 4)


async def test_records_without_a_time_are_as_old_as_their_segment(tmp_path: Path) -> None:
    log = make_log(tmp_path, retention_ms="60000")
    append(log, timestamp=-1)
    flush(log)
    await tidied(log, int(time.time() * 1000))
    assert (log.start_offset, log.high_watermark) == (0, 1)


async def test_an_append_while_the_whole_log_expires_leaves_no_stray_segment(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path, retention_ms="1000")
    append(log)
    flush(log)
    tidying = asyncio.create_task(tidied(log, NOW_MS + DAY_MS))
    await asyncio.sleep(0)
    append(log, timestamp=NOW_MS + DAY_MS)
    flush(log)
    await tidying
    active = log.segments[-1].path
    active.write_bytes(active.read_bytes() + b"torn")
    assert make_log(tmp_path).high_watermark == 2
