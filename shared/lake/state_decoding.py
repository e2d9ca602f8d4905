"""A catalog's JSON about one table as its state, at the price of what is new in it.

Every answer repeats the whole history. A snapshot never changes, so one whose bytes were in the
answer before is not decoded again.
"""

from __future__ import annotations

import msgspec

from shared.lake.table_state import SnapshotEntry, TableFields, TableState


class _Metadata(TableFields, frozen=True, kw_only=True, rename="kebab"):
    snapshots: tuple[msgspec.Raw, ...] = ()


class _Answer(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """LoadTableResult and CommitTableResponse of the REST specification, as far as needed."""

    metadata: _Metadata
    metadata_location: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)
_SNAPSHOT = msgspec.json.Decoder(SnapshotEntry)


class StateDecoder:
    """Decodes the answers about one table. For one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[bytes, SnapshotEntry] = {}

    def decode(self, content: bytes) -> TableState:
        """The state of which an answer to a load or a commit speaks.

        Raises:
            msgspec.DecodeError: it is no such answer.
        """
        answer = _ANSWER.decode(content)
        metadata, known = answer.metadata, self._known
        found: dict[bytes, SnapshotEntry] = {}
        for raw in metadata.snapshots:
            key = bytes(raw)
            found[key] = known.get(key) or _SNAPSHOT.decode(key)
        self._known = found
        same = {name: getattr(metadata, name) for name in TableFields.__struct_fields__}
        same["metadata_location"] = answer.metadata_location
        return TableState(**same, snapshots=tuple(found.values()))
