"""Which segments are past their time or size: pure."""

from .segment import Segment
from .topic_configs import LogConfig


def expired(segments: list[Segment], config: LogConfig, now_ms: int) -> list[Segment]:
    """The oldest segments that retention takes; the last one only if all its records are old."""
    if not config.delete:
        return []
    gone: list[Segment] = []
    size = sum(segment.size for segment in segments)
    for segment in segments:
        newest = max(segment.newest_timestamp, 0) or segment.first_append_ms
        aged = 0 <= config.retention_ms < now_ms - newest
        excess = 0 <= config.retention_bytes <= size - segment.size
        is_last = segment is segments[-1]
        if not segment.size or not (aged or (excess and not is_last)):
            break
        gone.append(segment)
        size -= segment.size
    return gone
