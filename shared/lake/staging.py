"""Stage an append: write its manifests and manifest list, and say what to ask of the catalog.

It writes what PyIceberg's merging append writes, at a cost that does not grow with the history: a
manifest and a manifest list, one request each. Nothing is read while the head is the snapshot
that was staged here before.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile, read_manifest_list
from pyiceberg.table import Table, TableProperties
from pyiceberg.table.snapshots import (
    Operation,
    SnapshotSummaryCollector,
    Summary,
    update_snapshot_summaries,
)
from pyiceberg.utils.properties import property_as_int

from shared.lake.commit_request import commit_request
from shared.lake.manifest_merging import MergePolicy, bins
from shared.lake.manifests import (
    FORMAT_VERSION,
    Carried,
    Entry,
    ManifestFormat,
    ManifestListFormat,
)
from shared.lake.positions import Positions
from shared.lake.table_state import SnapshotEntry, TableState
from shared.lake.thinning import ThinningPlan
from shared.runtime.errors import Refused


@dataclass(frozen=True, slots=True)
class Listed:
    """A manifest in a list: decoded, encoded, and its entries if they were written here."""

    manifest: ManifestFile
    line: bytes
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class StagedSnapshot:
    """A snapshot whose files are written.

    Attributes:
        request: for the catalog.
        written: paths of its manifests and its manifest list.
        listed: what that list holds.
    """

    snapshot_id: int
    parent_snapshot_id: int | None
    request: bytes
    written: tuple[str, ...]
    listed: tuple[Listed, ...]


@dataclass(slots=True)
class _Attempt:
    """A snapshot in the making; its files are in memory."""

    snapshot_id: int
    sequence_number: int
    new_location: Callable[[str], str]
    uuid: uuid.UUID = field(default_factory=uuid.uuid4)
    contents: dict[str, bytes] = field(default_factory=dict)

    def manifest_path(self) -> str:
        return self.new_location(f"{self.uuid}-m{len(self.contents)}.avro")

    def list_path(self) -> str:
        return self.new_location(f"snap-{self.snapshot_id}-0-{self.uuid}.avro")


class AppendStage:
    """Stages appends to one table, remembering what its head lists. Used by one thread at a time.

    Args:
        table: its schema, partition specs, properties, location and FileIO are used.
        clock: seconds since the epoch.
    """

    def __init__(self, table: Table, clock: Callable[[], float] = time.time) -> None:
        properties = table.metadata.properties
        self._codec = properties.get(
            TableProperties.WRITE_AVRO_COMPRESSION, TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT
        )
        self._table = table
        self._clock = clock
        self._locations = table.location_provider()
        self._policy = MergePolicy.of(properties)
        self._lists = ManifestListFormat(self._codec)
        self._formats: dict[int, ManifestFormat] = {}
        self._head: int | None = None
        self._listed: tuple[Listed, ...] = ()

    def append(
        self,
        state: TableState,
        files: Sequence[DataFile],
        summary: Mapping[str, str],
        positions: Positions,
        history: ThinningPlan,
    ) -> StagedSnapshot:
        """Write the manifests of an append on the head of ``state`` and say what to send.

        The request asserts the table's UUID and that ``main`` is still at that head; it adds the
        snapshot, moves ``main``, mirrors the positions in a table property, and thins the history.

        Raises:
            Refused: the table is of another format version, or its head is not to be found: what it
                lists would be lost.
            OSError: the object store does not answer.
        """
        if state.format_version != FORMAT_VERSION:
            raise Refused(
                f"table {'.'.join(self._table.name())} is of Iceberg format version "
                f"{state.format_version}, only version {FORMAT_VERSION} can be written",
                "move the table away and run `bergline bootstrap`",
            )
        head, parent_id = state.current_snapshot(), state.current_snapshot_id
        if head is None and parent_id is not None:
            raise Refused(
                f"table {'.'.join(self._table.name())} names {parent_id} as its head, which is "
                f"none of its snapshots",
                "have the catalog's operator repair the table's metadata",
            )
        attempt = _Attempt(
            _new_id(state), state.last_sequence_number + 1, self._locations.new_metadata_location
        )
        listed = self._listed_by(head)
        if files:
            spec = self._table.metadata.default_spec_id
            written = self._format(spec)
            entries = tuple(written.added(file, attempt.snapshot_id) for file in files)
            listed = (self._manifest(attempt, spec, entries, ()), *listed)
        listed = self._merged(attempt, listed)
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
            timestamp_ms=max(int(self._clock() * 1000), head.timestamp_ms if head else 0),
            manifest_list=attempt.list_path(),
            summary=self._summary(files, summary, head),
            schema_id=state.current_schema_id,
        )
        mirror = positions.to_mirror(snapshot.snapshot_id)
        request = commit_request(self._table.name(), state, snapshot, mirror, history)
        for path, content in contents.items():
            _write(self._table.io, path, content)
        return StagedSnapshot(snapshot.snapshot_id, parent_id, request, tuple(contents), listed)

    def committed(self, staged: StagedSnapshot) -> None:
        """It is the head now."""
        self._head, self._listed = staged.snapshot_id, staged.listed

    def _listed_by(self, head: SnapshotEntry | None) -> tuple[Listed, ...]:
        """The manifests with live files that the head lists."""
        if head is None:
            return ()
        if head.snapshot_id != self._head:
            known = {each.manifest.manifest_path: each for each in self._listed}
            self._listed = tuple(
                known.get(manifest.manifest_path) or Listed(manifest, self._lists.line(manifest))
                for manifest in read_manifest_list(self._table.io.new_input(head.manifest_list))
                if manifest.has_added_files() or manifest.has_existing_files()
            )
            self._head = head.snapshot_id
        return self._listed

    def _merged(self, attempt: _Attempt, listed: Sequence[Listed]) -> tuple[Listed, ...]:
        """The manifests after merging; delete manifests are never merged.

        What the attempt adds stays in a manifest of its own: so a merged one holds nothing but
        existing files, and its blocks can be carried into the next as they are.
        """
        by_path = {each.manifest.manifest_path: each for each in listed}
        data = [m.manifest for m in listed if m.manifest.content is ManifestContent.DATA]
        found: list[Listed] = []
        for packed in bins(data, self._policy):
            old = [each for each in packed if each.added_snapshot_id != attempt.snapshot_id]
            found += [by_path[each.manifest_path] for each in packed if each not in old]
            if len(old) == 1:
                found.append(by_path[old[0].manifest_path])
            elif old:
                found.append(self._merge(attempt, [by_path[each.manifest_path] for each in old]))
        deletes = [m for m in listed if m.manifest.content is not ManifestContent.DATA]
        return (*found, *deletes)

    def _merge(self, attempt: _Attempt, listed: Sequence[Listed]) -> Listed:
        spec_id = listed[0].manifest.partition_spec_id
        written, io = self._format(spec_id), self._table.io
        entries: list[Entry] = []
        carried: list[Carried] = []
        for each in listed:
            if each.entries:
                entries += [e.existing(each.manifest.sequence_number) for e in each.entries]
            elif (blocks := written.carried(each.manifest, io)) is not None:
                carried.append(blocks)
            else:
                entries += [written.existing(e) for e in each.manifest.fetch_manifest_entry(io)]
        return self._manifest(attempt, spec_id, tuple(entries), carried)

    def _manifest(
        self,
        attempt: _Attempt,
        spec_id: int,
        entries: tuple[Entry, ...],
        carried: Sequence[Carried],
    ) -> Listed:
        path = attempt.manifest_path()
        manifest, attempt.contents[path] = self._format(spec_id).manifest(
            path, entries, carried, attempt.snapshot_id, attempt.sequence_number
        )
        kept = entries if manifest.added_files_count else ()
        return Listed(manifest, self._lists.line(manifest), kept)

    def _format(self, spec_id: int) -> ManifestFormat:
        if spec_id not in self._formats:
            metadata = self._table.metadata
            self._formats[spec_id] = ManifestFormat(
                metadata.schema(), metadata.specs()[spec_id], self._codec
            )
        return self._formats[spec_id]

    def _summary(
        self, files: Sequence[DataFile], summary: Mapping[str, str], head: SnapshotEntry | None
    ) -> dict[str, str]:
        """Ours, what the files add, and the totals (Iceberg spec, "Optional Snapshot Summary")."""
        metadata = self._table.metadata
        limit = property_as_int(
            metadata.properties,
            TableProperties.WRITE_PARTITION_SUMMARY_LIMIT,
            TableProperties.WRITE_PARTITION_SUMMARY_LIMIT_DEFAULT,
        )
        collector = SnapshotSummaryCollector(limit or 0)
        for file in files:
            collector.add_file(file, metadata.schema(), metadata.spec())
        made = update_snapshot_summaries(
            Summary(Operation.APPEND, **collector.build(), **summary), head.summary if head else {}
        )
        return {"operation": Operation.APPEND.value, **made.additional_properties}


def _new_id(state: TableState) -> int:
    while (number := secrets.randbits(63)) in state.by_id:
        pass
    return number


def _write(io: FileIO, path: str, content: bytes) -> None:
    with io.new_output(path).create(overwrite=True) as stream:
        stream.write(content)
