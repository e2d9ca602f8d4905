"""Stage a change: write its manifests and manifest list, and say what to ask of the catalog.

Of an append it writes what PyIceberg's merging append writes, at a cost that does not grow with the
history: a manifest and a manifest list, one request each. Nothing is read while the head is the
snapshot that was staged here before. A delta adds a manifest of delete files for each partition
spec, and writes those manifests anew that hold files which leave.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import Table, TableProperties

from shared.lake.commit_request import commit_request
from shared.lake.decisions import Change
from shared.lake.head_checks import dangling, listed_files, require_fit, require_same_origin
from shared.lake.listed_manifests import Attempt, Listed, ManifestWriter
from shared.lake.manifest_merging import MergePolicy
from shared.lake.manifests import FORMAT_VERSION, ManifestListFormat
from shared.lake.provenance import Provenance
from shared.lake.reading.live_files import listed_by
from shared.lake.reading.manifest_content import written
from shared.lake.snapshot_summary import snapshot_summary
from shared.lake.table_state import MAIN, SnapshotEntry, TableState
from shared.lake.thinning import ThinningPlan
from shared.runtime.errors import Refused

WRITES = 8
"""Most requests to the store at once."""


@dataclass(frozen=True, slots=True)
class StagedSnapshot:
    """A snapshot whose files are written.

    Attributes:
        asserted_id: head of the branch that it moves.
        request: for the catalog.
        written: paths of its manifests and its manifest list.
        listed: what that list holds.
    """

    snapshot_id: int
    asserted_id: int | None
    request: bytes
    written: tuple[str, ...]
    listed: tuple[Listed, ...]


class Stage:
    """Stages changes of one table, remembering what its head lists. Used by one thread at a time.

    Args:
        table: its schema, partition specs, properties, location and FileIO are used.
        clock: seconds since the epoch.
    """

    def __init__(self, table: Table, clock: Callable[[], float] = time.time) -> None:
        properties = table.metadata.properties
        codec = properties.get(
            TableProperties.WRITE_AVRO_COMPRESSION, TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT
        )
        self._table = table
        self._clock = clock
        self._locations = table.location_provider()
        self._lists = ManifestListFormat(codec)
        policy = MergePolicy.of(properties)
        self._manifests = ManifestWriter(table, policy, self._lists, codec)
        self._head: int | None = None
        self._listed: tuple[Listed, ...] = ()

    def write(self, state: TableState, change: Change, history: ThinningPlan) -> StagedSnapshot:
        """Write the manifests of a change on the head of ``state`` and say what to send.

        The request asserts the table's UUID and that the branch is still at that head; it adds
        the snapshot, moves the branch, mirrors what the snapshot of ``main`` records in a table
        property, and thins the history.

        Raises:
            Refused: the table is of another format version, or its head is not to be found: what it
                lists would be lost.
            Stale: the change does not fit that head.
            OSError: the object store does not answer.
        """
        if state.format_version != FORMAT_VERSION:
            raise Refused(
                f"table {'.'.join(self._table.name())} is of Iceberg format version "
                f"{state.format_version}, only version {FORMAT_VERSION} can be written",
                "move the table away and run `bergline bootstrap`",
            )
        head, head_id = state.head(change.source), state.head_id(change.source)
        if head is None and head_id is not None:
            raise Refused(
                f"table {'.'.join(self._table.name())} names {head_id} as its head, which is "
                f"none of its snapshots",
                "have the catalog's operator repair the table's metadata",
            )
        # A version of main comes after one of main, wherever its files were made.
        parent_id = head_id if change.source == change.ref else state.current_snapshot_id
        attempt = Attempt(
            _new_id(state), state.last_sequence_number + 1, self._locations.new_metadata_location
        )
        listed, removed = self._changed(attempt, state, head, change)
        listed = self._manifests.merged(attempt, listed, change.delta.merge)
        paths = [each.manifest.manifest_path for each in listed]
        contents = {path: attempt.contents[path] for path in paths if path in attempt.contents}
        contents[attempt.list_path()] = self._lists.manifest_list(
            [each.line for each in listed], attempt.snapshot_id, parent_id, attempt.sequence_number
        )
        snapshot = SnapshotEntry(
            snapshot_id=attempt.snapshot_id,
            parent_snapshot_id=parent_id,
            sequence_number=attempt.sequence_number,
            # Versions are found by time, so it never goes back along a history.
            timestamp_ms=max(int(self._clock() * 1000), _latest(state, change)),
            manifest_list=attempt.list_path(),
            summary=snapshot_summary(self._table.metadata, change, removed, head),
            schema_id=state.current_schema_id,
        )
        mirror: dict[str, str] = {}
        if change.ref == MAIN and change.carried is not None:
            mirror = change.carried.to_mirror(snapshot.snapshot_id)
        request = commit_request(
            self._table.name(),
            state,
            snapshot,
            mirror,
            history,
            change.ref,
            None if change.source == change.ref else change.source,
            change.ends,
        )
        _write_all(self._table.io, contents)
        if isinstance(change.carried, Provenance):
            for path, content in contents.items():  # a builder reads its own table next
                written(path, content)
        asserted = state.head_id(change.ref)
        return StagedSnapshot(snapshot.snapshot_id, asserted, request, tuple(contents), listed)

    def committed(self, staged: StagedSnapshot) -> None:
        """It is the head now."""
        self._head = staged.snapshot_id
        self._listed = tuple(each for each in staged.listed if _has_live(each.manifest))

    def _listed_by(self, head: SnapshotEntry | None) -> tuple[Listed, ...]:
        """The manifests with live files that the head lists."""
        if head is None:
            return ()
        if head.snapshot_id != self._head:
            known = {each.manifest.manifest_path: each for each in self._listed}
            self._listed = tuple(
                known.get(manifest.manifest_path) or Listed(manifest, self._lists.line(manifest))
                for manifest in listed_by(self._table.io, head)
                if _has_live(manifest)
            )
            self._head = head.snapshot_id
        return self._listed

    def _changed(
        self, attempt: Attempt, state: TableState, head: SnapshotEntry | None, change: Change
    ) -> tuple[tuple[Listed, ...], Sequence[DataFile]]:
        """The manifests after the change, youngest first, and the files that left."""
        delta, listed = change.delta, self._listed_by(head)
        removed: list[DataFile] = []
        require_same_origin(state, change.ref, delta)
        if delta.named or delta.dropped:
            io = self._table.io
            live = listed_files(io, [each.manifest for each in listed])
            require_fit(io, live, state, head, delta)
            gone = {*delta.dropped, *dangling(live, delta.dropped)}
            removed = [
                each.file
                for files in (live.data, live.deletes)
                for path, each in files.items()
                if path in gone
            ]
            if gone:
                listed = self._manifests.without(attempt, listed, gone)
        return (*self._manifests.added(attempt, delta), *listed), removed


def _has_live(manifest: ManifestFile) -> bool:
    return manifest.has_added_files() or manifest.has_existing_files()


def _latest(state: TableState, change: Change) -> int:
    """The later one of the heads that the snapshot comes after, in milliseconds."""
    heads = (state.head(change.ref), state.head(change.source))
    return max((head.timestamp_ms for head in heads if head is not None), default=0)


def _new_id(state: TableState) -> int:
    while (number := secrets.randbits(63)) in state.by_id:
        pass
    return number


def _write_all(io: FileIO, contents: Mapping[str, bytes]) -> None:
    """At once: none of them is read before the catalog names the list."""
    with ThreadPoolExecutor(min(WRITES, len(contents)), "bergline-write") as pool:
        list(pool.map(lambda path: _write(io, path, contents[path]), contents))


def _write(io: FileIO, path: str, content: bytes) -> None:
    with io.new_output(path).create(overwrite=True) as stream:
        stream.write(content)
