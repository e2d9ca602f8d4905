import asyncio
import os
import shutil
import time
from pathlib import Path

import pytest

from deploy.embedded.broker.errors import CorruptLog, ErrorCode, KafkaError
from deploy.embedded.broker.housekeeping import tidy
from deploy.embedded.broker.record_batch import read_header
from tests.support.kafka_wire import batch
from tests.unit.broker.logs import NOW_MS, append, flush, make_log, offsets, read

pytestmark = pytest.mark.asyncio


async def test_records_are_visible_only_when_durable(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    append(log)
    assert (log.end_offset, log.high_watermark) == (1, 0)
    assert read(log, 0) == b""
    flush(log)
    assert log.high_watermark == 1
    assert offsets(read(log, 0)) == [0]


async def test_one_group_commit_answers_all_that_were_collected(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    encoded = memoryview(batch([(b"k", b"v")]))
    first, second = (log.append(encoded, read_header(encoded), NOW_MS) for _ in range(2))
    assert first.outcome is second.outcome
    flush(log)
    assert await first.outcome is ErrorCode.NONE


async def test_a_failed_write_is_taken_back_and_never_acknowledged(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    append(log, producer=(7, 0, 0))
    flush(log)
    encoded = memoryview(batch([(b"k", b"lost")], producer=(7, 0, 1)))
    lost = log.append(encoded, read_header(encoded), NOW_MS)
    flush(log, OSError(28, "No space left on device"))
    assert await lost.outcome is ErrorCode.KAFKA_STORAGE_ERROR
    assert (log.end_offset, log.high_watermark) == (1, 1)
    # The producer may send the same sequence again: it was not accepted.
    assert append(log, [(b"k", b"again")], producer=(7, 0, 1)) == 1
    flush(log)
    assert b"again" in read(log, 1)
    assert b"lost" not in read(log, 0)


async def test_what_arrives_during_a_failing_write_fails_too(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    append(log)
    job = log.begin_flush()
    assert job is not None
    encoded = memoryview(batch([(b"k", b"v")]))
    later = log.append(encoded, read_header(encoded), NOW_MS)
    log.finish_flush(OSError(5, "I/O error"))
    assert await later.outcome is ErrorCode.KAFKA_STORAGE_ERROR
    assert log.end_offset == 0


async def test_a_repeated_batch_answers_the_old_offset_once_durable(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    encoded = memoryview(batch([(b"k", b"v")], producer=(7, 0, 0)))
    first = log.append(encoded, read_header(encoded), NOW_MS)
    repeat = log.append(encoded, read_header(encoded), NOW_MS)
    assert repeat.base_offset == first.base_offset == 0
    assert not repeat.outcome.done()
    flush(log)
    assert repeat.outcome.done()
    assert offsets(read(log, 0)) == [0]


async def test_recovery_at_every_torn_byte(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    log = make_log(whole)
    sizes = []
    for number in range(3):
        append(log, [(b"k%d" % number, b"value")], producer=(7, 0, number))
        flush(log)
        sizes.append(log.segments[-1].size)
    content = (whole / f"{0:020d}.log").read_bytes()
    for cut in range(len(content) + 1):
        torn = tmp_path / "torn"
        shutil.rmtree(torn, ignore_errors=True)
        torn.mkdir()
        (torn / f"{0:020d}.log").write_bytes(content[:cut])
        recovered = make_log(torn)
        expected = sum(cut >= size for size in sizes)
        assert recovered.high_watermark == expected, cut
        assert recovered.segments[-1].path.stat().st_size == ([0, *sizes][expected])
        assert offsets(read(recovered, 0)) == list(range(expected))
        # Producer states follow the log: the next sequence is accepted, a gap is not.
        append(recovered, producer=(7, 0, expected))
        if expected:
            with pytest.raises(KafkaError) as refused:
                append(recovered, producer=(7, 0, expected + 5))
            assert refused.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


async def test_a_flipped_bit_in_the_last_batch_cuts_it(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    for _ in range(2):
        append(log)
        flush(log)
    path = log.segments[0].path
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    assert make_log(tmp_path).high_watermark == 1


async def test_damage_in_a_closed_segment_stops_the_start(tmp_path: Path) -> None:
    log = make_log(tmp_path, segment_bytes="1024")
    for _ in range(3):
        append(log, [(b"k", b"x" * 900)])
        flush(log)
    assert len(log.segments) == 3
    path = log.segments[0].path
    log.segments[0].index_path.unlink()
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptLog, match="is damaged at byte 0"):
        make_log(tmp_path)


@pytest.mark.parametrize("harm", ["missing", "stale", "garbage"])
async def test_the_index_is_rebuilt(tmp_path: Path, harm: str) -> None:
    log = make_log(tmp_path, segment_bytes="20000")
    for number in range(40):
        append(log, [(b"k", b"%d" % number + b"x" * 900)])
        flush(log)
    closed = log.segments[0]
    expected = (list(closed.index.offsets), list(closed.index.positions))
    if harm == "missing":
        closed.index_path.unlink()
    elif harm == "stale":
        closed.index.save(closed.index_path, size=closed.size - 1, next_offset=1, newest=0)
    else:
        closed.index_path.write_bytes(b"\0" * 100)
    again = make_log(tmp_path, segment_bytes="20000").segments[0]
    assert (list(again.index.offsets), list(again.index.positions)) == expected
    assert len(expected[0]) > 2


async def test_every_offset_is_found_across_segments(tmp_path: Path) -> None:
    log = make_log(tmp_path, segment_bytes="9000")
    for number in range(60):
        append(log, [(b"k", b"x" * (number * 37 % 700))] * (number % 3 + 1))
        flush(log)
    assert len(log.segments) > 2
    for offset in range(log.high_watermark):
        header = read_header(read(log, offset))
        assert header.base_offset <= offset <= header.last_offset
        assert len(read(log, offset, max_bytes=10)) == header.size


async def test_reads_outside_the_log_are_refused(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    append(log)
    flush(log)
    for offset in (-1, 2):
        with pytest.raises(KafkaError) as refused:
            log.plan_read(offset, 100, whole_first=True)
        assert refused.value.code is ErrorCode.OFFSET_OUT_OF_RANGE


async def test_a_raised_start_survives_a_restart(tmp_path: Path) -> None:
    log = make_log(tmp_path, segment_bytes="1024")
    for _ in range(5):
        append(log, [(b"k", b"x" * 900)])
        flush(log)
    await asyncio.gather(*(log.raise_start(offset) for offset in (2, 3, 1)))
    again = make_log(tmp_path)
    assert (again.start_offset, again.high_watermark) == (3, 5)


async def test_a_clean_stop_keeps_producers_and_index(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    for number in range(7):
        append(log, producer=(9, 2, number))
        flush(log)
    log.close()
    again = make_log(tmp_path)
    assert append(again, producer=(9, 2, 6)) == 6
    with pytest.raises(KafkaError):
        append(again, producer=(9, 1, 7))


async def test_waiting_readers_are_woken_by_durability(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    log.watch(watcher)
    append(log)
    assert not watcher.done()
    flush(log)
    assert watcher.done()


async def test_a_new_partition_is_durable_up_to_the_directory_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    make_log(tmp_path / "topic" / "incarnation" / "0")
    assert {tmp_path, tmp_path / "topic", tmp_path / "topic" / "incarnation"} <= set(synced)


async def test_what_a_failed_write_left_behind_never_follows_a_later_batch(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    append(log)
    flush(log)
    content = bytearray(log.segments[0].path.read_bytes())
    content[7] = 2  # a batch for offset 2 that was written, not acknowledged and not cut off
    with log.segments[0].path.open("ab") as file:
        file.write(content * 2)
    append(log)
    flush(log)
    assert make_log(tmp_path).high_watermark == 2


async def test_producers_of_old_records_are_known_after_a_crash(tmp_path: Path) -> None:
    day_ms = 86_400_000
    log = make_log(tmp_path, retention_ms="-1")
    append(log, producer=(7, 0, 0), timestamp=NOW_MS - 30 * day_ms)
    flush(log)
    again = make_log(tmp_path, retention_ms="-1")
    await tidy(again, int(time.time() * 1000), producer_retention_seconds=86_400.0)
    assert append(again, producer=(7, 0, 0)) == 0
    assert again.end_offset == 1


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_read_that_never_runs_leaves_no_open_file(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    append(log)
    flush(log)
    before = open_files()
    plan = log.plan_read(0, 100, whole_first=True)
    assert plan is not None
    del plan
    assert open_files() == before


async def test_a_damaged_length_is_an_error_and_not_an_endless_loop(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    for _ in range(2):
        append(log)
        flush(log)
    content = bytearray(log.segments[0].path.read_bytes())
    content[8:12] = (-12).to_bytes(4, "big", signed=True)
    log.segments[0].path.write_bytes(content)
    with pytest.raises(OSError, match="damaged"):
        read(log, 1)
