"""Key compaction of closed segments (cleanup.policy=compact): the last value of each key stays.

Only closed segments are rewritten, so readers of the active one notice nothing. Offsets never
change. Tombstones stay for ``delete.retention.ms``. A batch that this installation cannot decode
is kept as it is. Works in a thread, on files that do not grow; the swap is done by the caller.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .files import sync_directory
from .record_batch import BatchHeader, read_header
from .records import CodecUnavailable, MalformedRecords, Record, decode, rebuilt
from .segment import Segment
from .topic_configs import LogConfig

MAX_KEYS = 5_000_000  # 16 bytes of digest each and an offset: bounds the memory of one pass


def is_worth_it(segments: list[Segment], cleaned_until: int, config: LogConfig) -> bool:
    """Whether enough of the closed segments is dirty (``min.cleanable.dirty.ratio``)."""
    total = sum(segment.size for segment in segments)
    dirty = sum(segment.size for segment in segments if segment.next_offset > cleaned_until)
    return dirty > 0 and dirty >= config.min_cleanable_dirty_ratio * total


def grouped(segments: list[Segment], config: LogConfig) -> Iterator[list[Segment]]:
    """Neighbours that become one segment, each group at most ``segment.bytes`` before cleaning."""
    group: list[Segment] = []
    for segment in segments:
        if group and sum(each.size for each in group) + segment.size > config.segment_bytes:
            yield group
            group = []
        group.append(segment)
    if group:
        yield group


def latest_offsets(segments: list[Segment]) -> tuple[dict[bytes, int], list[Segment]]:
    """Digest of each key → its last offset, and the segments from the front that were read.

    Reading ends early at ``MAX_KEYS``: only what was read may be cleaned with the result.
    """
    latest: dict[bytes, int] = {}
    read: list[Segment] = []
    for segment in segments:
        for header, position in segment.batches():
            for record in _records(segment, header, position) or ():
                if record.key is not None:
                    latest[_digest(record.key)] = record.offset
        read.append(segment)
        if len(latest) > MAX_KEYS:
            break
    return latest, read


def clean(
    group: list[Segment], latest: dict[bytes, int], config: LogConfig, now_ms: int
) -> Segment:
    """Write the live batches of a group to a draft; returns the segment that describes it.

    The draft lies beside the first segment of the group; ``adopt`` puts it in its place.
    """
    target = Segment(group[0].path.parent, group[0].base_offset)
    tombstones_from = now_ms - config.delete_retention_ms
    with draft_of(target).open("wb") as file:
        for segment in group:
            for header, position in segment.batches():
                _clean_batch(file, target, segment, header, position, latest, tombstones_from)
        file.flush()
        os.fsync(file.fileno())
    return target


def draft_of(segment: Segment) -> Path:
    """Where the cleaned segment is written first."""
    return segment.path.with_name(segment.path.name + ".draft")


def adopt(target: Segment, group: list[Segment]) -> None:
    """Put the cleaned segment in the place of the first of its group: on the event loop, quickly.

    A crash before ``finish`` leaves old segments that start inside the new one; recovery removes
    them. Those that do not are read again, as if they had not been cleaned.
    """
    group[0].index_path.unlink(missing_ok=True)
    draft_of(target).replace(target.path)


def finish(target: Segment, group: list[Segment]) -> None:
    """Make the swap durable before the old segments go. Blocks; raises OSError."""
    sync_directory(target.path.parent)
    for segment in group[1:]:
        segment.remove()
    target.save_index()


def _clean_batch(
    file: BinaryIO,
    target: Segment,
    segment: Segment,
    header: BatchHeader,
    position: int,
    latest: dict[bytes, int],
    tombstones_from: int,
) -> None:
    batch = segment.batch_at(header, position)
    records = _records(segment, header, position)
    if records is not None:
        kept = [each for each in records if _is_live(each, latest, tombstones_from)]
        if not kept:
            return
        if len(kept) < len(records):
            batch = memoryview(rebuilt(batch, kept))
            header = read_header(batch)
    file.write(batch)
    target.note(header, header.base_offset, header.size, header.max_timestamp)


def _is_live(record: Record, latest: dict[bytes, int], tombstones_from: int) -> bool:
    if record.key is None:
        return False
    if record.offset < latest.get(_digest(record.key), -1):
        return False
    return not (record.is_tombstone and record.timestamp < tombstones_from)


def _records(segment: Segment, header: BatchHeader, position: int) -> list[Record] | None:
    try:
        return list(decode(segment.batch_at(header, position)))
    except (CodecUnavailable, MalformedRecords):
        return None


def _digest(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=16).digest()
