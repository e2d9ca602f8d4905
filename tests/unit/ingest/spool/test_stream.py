"""A stream on disk: segments, cursor, failed writes, damage."""

import pytest

from services.ingest.spool.frames import Entry, NewerFormat, encode_entry, encode_frame
from services.ingest.spool.stream import Stream
from services.ingest.spool.survey import CURSOR, survey
from tests.support.crashing_disk import CrashingDisk


@pytest.fixture
def disk() -> CrashingDisk:
    return CrashingDisk()


def frame(number: int, size: int = 10) -> bytes:
    return encode_frame(number, encode_entry(Entry(b"k", b"%d" % number, [], number + 1)))


def append(stream: Stream, *numbers: int) -> None:
    stream.append([frame(number) for number in numbers], numbers[-1] + 1)


def numbers(stream: Stream, limit: int = 1_000_000) -> list[int]:
    return [int(read.entry.value) for read in stream.read(limit)]


def segments(disk: CrashingDisk) -> list[str]:
    return sorted(name for name in disk.names() if name.endswith(".segment"))


def test_an_empty_stream_holds_nothing_and_leaves_no_file(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1000)
    assert stream.read(1000) == []
    assert (stream.entries, stream.size, stream.oldest_ms) == (0, 0, None)
    assert disk.names() == []


def test_what_is_read_moves_on_and_can_be_read_again(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1000)
    append(stream, 0, 1, 2)
    assert numbers(stream, 1) == [0], "at least one entry, however small the limit"
    assert numbers(stream) == [1, 2]
    assert numbers(stream) == []
    stream.rewind()
    assert numbers(stream) == [0, 1, 2]


def test_segments_are_removed_when_all_of_them_was_acknowledged(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1)
    for number in range(3):
        append(stream, number)
    assert len(segments(disk)) == 3
    first, second = stream.read(1), stream.read(1)
    before = stream.size
    assert stream.advance(first[-1].end) == before - stream.size > 0
    assert len(segments(disk)) == 2
    stream.advance(second[-1].end)
    stream.advance(stream.read(1)[-1].end)
    assert segments(disk) == []
    assert stream.size == 0
    append(stream, 3)
    assert numbers(stream) == [3]


def test_it_is_recovered_with_count_age_and_sequence(disk: CrashingDisk) -> None:
    stream = Stream(disk, 60)
    append(stream, 0, 1, 2)
    append(stream, 3)
    stream.advance(stream.read(1)[0].end)
    stream.close()
    again = Stream(disk, 60)
    assert (again.entries, again.oldest_ms, again.next_sequence) == (3, 2, 4)
    assert numbers(again) + numbers(again) == [1, 2, 3]
    assert again.size == stream.size


def test_a_sequence_is_never_given_twice_even_when_all_was_delivered(disk: CrashingDisk) -> None:
    stream = Stream(disk, 60)
    append(stream, 0, 1)
    stream.advance(stream.read(1000)[-1].end)
    assert Stream(disk, 60).next_sequence == 2


def test_a_torn_tail_is_cut(disk: CrashingDisk) -> None:
    append(Stream(disk, 1000), 0, 1)
    [name] = segments(disk)
    del disk.files[name].data[-3:]
    torn = len(frame(1)) - 3
    again = Stream(disk, 1000)
    assert (again.entries, again.cut_bytes) == (1, torn)
    assert not again.damaged
    append(again, 2)
    assert numbers(again) + numbers(again) == [0, 2]
    assert not Stream(disk, 1000).cut_bytes


@pytest.mark.parametrize("fails", range(3), ids=["create", "write", "sync"])
def test_after_a_failed_write_nothing_of_it_is_there(disk: CrashingDisk, fails: int) -> None:
    stream = Stream(disk, 1)  # each write is a new segment
    append(stream, 0)
    disk.fails = fails
    with pytest.raises(OSError, match="No space left"):
        append(stream, 1)
    append(stream, 2)
    assert numbers(stream) + numbers(stream) == [0, 2]
    assert Stream(disk, 1).entries == 2


def test_what_a_failed_write_left_in_a_file_is_not_sent(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1000)
    append(stream, 0)
    disk.fails = 1  # written, not synced
    with pytest.raises(OSError, match="No space left"):
        append(stream, 1)
    [name] = segments(disk)
    disk.files[name].data += frame(1)  # could not be cut either
    append(stream, 2)
    again = Stream(disk, 1000)
    assert numbers(again) + numbers(again) == [0, 2]


def test_a_cursor_that_cannot_be_written_does_not_keep_segments(disk: CrashingDisk) -> None:
    """A full disk gets room only by removing what was delivered."""
    stream = Stream(disk, 1)
    append(stream, 0)
    append(stream, 1)
    [first] = stream.read(1)
    disk.fails = 0
    with pytest.raises(OSError, match="No space left"):
        stream.advance(first.end)
    assert len(segments(disk)) == 1
    assert numbers(Stream(disk, 1)) == [1]


def test_a_lost_cursor_repeats_and_loses_nothing(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1000)
    append(stream, 0, 1)
    stream.advance(stream.read(1)[0].end)
    disk.files[CURSOR].data[20] ^= 1
    again = Stream(disk, 1000)
    assert numbers(again) == [0, 1]


def test_damage_is_told_from_a_torn_tail_and_its_file_is_kept(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1)
    append(stream, 0, 1)
    append(stream, 2)
    damaged = segments(disk)[0]
    disk.files[damaged].data[-1] ^= 1  # synced and closed by the segment behind it
    again = Stream(disk, 1)
    assert again.damaged == [damaged]
    assert again.entries == 2
    assert numbers(again) + numbers(again) == [0, 2]
    again.rewind()
    again.advance([*again.read(1000), *again.read(1000)][-1].end)
    assert set(disk.names()) == {f"{damaged}.damaged", CURSOR}
    append(again, 3)
    assert numbers(Stream(disk, 1)) == [3]


@pytest.mark.parametrize("torn", [1, 2], ids=["a frame that was torn off", "damage before it"])
def test_where_nothing_is_left_to_be_sent_no_segment_is(disk: CrashingDisk, torn: int) -> None:
    """Else somebody would take the directory up again and again."""
    stream = Stream(disk, 1)
    for number in range(torn):
        append(stream, number)
    for name in segments(disk):
        disk.files[name].data[-1] ^= 1
    again = Stream(disk, 1)
    assert (again.entries, again.size, segments(disk)) == (0, 0, [])
    kept = [name for name in disk.names() if name.endswith(".damaged")]
    assert len(kept) == torn - 1, "what was accepted is kept aside"
    append(again, 5)
    assert numbers(Stream(disk, 1)) == [5]


def test_behind_damage_that_came_later_nothing_is_written(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1000)
    append(stream, 0)
    disk.files[segments(disk)[0]].data[-1] ^= 1
    assert numbers(stream) == []
    append(stream, 1)
    assert numbers(stream) == [1]
    assert numbers(Stream(disk, 1000)) == [1]


def test_damage_that_comes_later_hides_no_other_segment(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1)
    append(stream, 0)
    append(stream, 1)
    disk.files[segments(disk)[0]].data[-1] ^= 1
    assert numbers(stream) == [1]
    assert stream.damaged == ["000000000001.segment"]


def test_a_damaged_header_hides_no_entries(disk: CrashingDisk) -> None:
    stream = Stream(disk, 1)
    for number in range(3):
        append(stream, number)
    disk.files[segments(disk)[1]].data[0] ^= 1
    disk.files[segments(disk)[2]].data[0] ^= 1
    again = Stream(disk, 1)
    assert [*numbers(again), *numbers(again), *numbers(again)] == [0, 1, 2]


def test_a_later_format_is_left_alone(disk: CrashingDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("services.ingest.spool.frames.VERSION", 2)
        append(Stream(disk, 1), 0)
    before = {name: bytes(file.data) for name, file in disk.files.items()}
    with pytest.raises(NewerFormat):
        Stream(disk, 1)
    assert {name: bytes(file.data) for name, file in disk.files.items()} == before


def test_a_survey_tells_what_is_there_and_changes_nothing(disk: CrashingDisk) -> None:
    """Its owner may be writing to it."""
    stream = Stream(disk, 60)
    append(stream, 0, 1)
    append(stream, 2)
    stream.advance(stream.read(1)[-1].end)
    before = {name: disk.read(name, 0, 10_000) for name in disk.names()}
    found = survey(disk)
    assert (found.entries, found.oldest_ms, found.size) == (2, 2, stream.size)
    assert {name: disk.read(name, 0, 10_000) for name in disk.names()} == before
