"""The producer states of a partition in a file, so that recovery need not read the whole log.

Checked when read: a snapshot that is torn, or of a longer log than the present one, is not used.
"""

import json
from pathlib import Path

import crc32c

from .files import write_atomically
from .producers import ProducerStates


def save(path: Path, states: ProducerStates, offset: int) -> None:
    """Write the states as of ``offset``. Blocks; raises OSError."""
    content = json.dumps({"offset": offset, "producers": states.dump()}).encode()
    write_atomically(path, b"%08x %s" % (crc32c.crc32c(content), content))


def load(path: Path, end_offset: int) -> tuple[ProducerStates, int]:
    """The states, and the offset up to which they are complete; none and 0 without a snapshot."""
    line = path.read_bytes() if path.exists() else b""
    if line[:8] == b"%08x" % crc32c.crc32c(line[9:]):
        snapshot = json.loads(line[9:])
        if snapshot["offset"] <= end_offset:
            return ProducerStates.load(snapshot["producers"]), snapshot["offset"]
    return ProducerStates(), 0
