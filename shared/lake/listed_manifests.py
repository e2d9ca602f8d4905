"""The manifests of a snapshot: those that it adds, writes anew, merges, or leaves as they are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestContent, ManifestEntry, ManifestFile
from pyiceberg.table import Table

from shared.lake.decisions import Delta
from shared.lake.manifest_merging import MergePolicy, bins
from shared.lake.manifests import Carried, Entry, ManifestFormat, ManifestListFormat
from shared.lake.reading.live_files import entries as live_entries
from shared.lake.reading.manifest_content import content_of, entries_in


@dataclass(frozen=True, slots=True)
class Listed:
    """A manifest in a list: decoded, encoded, and its entries if they were written here."""

    manifest: ManifestFile
    line: bytes
    entries: tuple[Entry, ...] = ()


@dataclass(slots=True)
class Attempt:
    """A snapshot in the making; its files are in memory, by path."""

    snapshot_id: int
    sequence_number: int
    new_location: Callable[[str], str]
    uuid: uuid.UUID = field(default_factory=uuid.uuid4)
    contents: dict[str, bytes] = field(default_factory=dict)

    def manifest_path(self) -> str:
        """Where its next manifest will be."""
        return self.new_location(f"{self.uuid}-m{len(self.contents)}.avro")

    def list_path(self) -> str:
        """Where its manifest list will be."""
        return self.new_location(f"snap-{self.snapshot_id}-0-{self.uuid}.avro")


class ManifestWriter:
    """Writes the manifests of one table into attempts.

    Args:
        table: its schema, partition specs and FileIO are used.
        policy: which manifests are merged.
        lists: how a manifest is described in a list.
        codec: of manifests, as the table property names it.
    """

    def __init__(
        self, table: Table, policy: MergePolicy, lists: ManifestListFormat, codec: str
    ) -> None:
        self._table, self._policy, self._lists, self._codec = table, policy, lists, codec
        self._formats: dict[tuple[int, ManifestContent], ManifestFormat] = {}

    def added(self, attempt: Attempt, delta: Delta) -> list[Listed]:
        """A manifest for the data files, and one for the delete files, of each partition spec."""
        found: list[Listed] = []
        for content, files in (
            (ManifestContent.DATA, delta.added),
            (ManifestContent.DELETES, delta.deletes),
        ):
            for spec_id in dict.fromkeys(file.spec_id for file in files):
                written = self._format(spec_id, content)
                entries = tuple(
                    written.added(file, attempt.snapshot_id)
                    for file in files
                    if file.spec_id == spec_id
                )
                found.append(self._manifest(attempt, spec_id, entries, (), content))
        return found

    def without(
        self, attempt: Attempt, listed: Sequence[Listed], gone: Collection[str]
    ) -> tuple[Listed, ...]:
        """The manifests once these files are gone.

        Those that hold one are written anew, several of a kind as one up to the target size of
        manifests. What goes is listed there a last time, as deleted (Iceberg spec, "Manifests").
        """
        io = self._table.io
        found: list[Listed] = []
        touched: dict[tuple[int, ManifestContent], list[ManifestFile]] = {}
        for each in listed:
            manifest = each.manifest
            if any(live.file.file_path in gone for live in live_entries(io, manifest)):
                kind = (manifest.partition_spec_id, ManifestContent(manifest.content))
                touched.setdefault(kind, []).append(manifest)
            else:
                found.append(each)
        written: list[Listed] = []
        for (spec_id, content), manifests in touched.items():
            fmt = self._format(spec_id, content)
            for packed in _packed(manifests, self._policy.target_bytes):
                entries = tuple(
                    fmt.deleted(entry, attempt.snapshot_id)
                    if entry.data_file.file_path in gone
                    else fmt.existing(entry)
                    for entry in _entries(io, packed)
                )
                written.append(self._manifest(attempt, spec_id, entries, (), content))
        return (*written, *found)

    def merged(
        self, attempt: Attempt, listed: Sequence[Listed], at_once: bool = False
    ) -> tuple[Listed, ...]:
        """The manifests after merging: of data files, then of delete files.

        ``at_once``: several become one, however few they are.

        What the attempt adds stays in a manifest of its own: so a merged one holds nothing but
        existing files, and its blocks can be carried into the next as they are.
        """
        by_path = {each.manifest.manifest_path: each for each in listed}
        found: list[Listed] = []
        policy = self._policy.at_once if at_once else self._policy
        for content in (ManifestContent.DATA, ManifestContent.DELETES):
            own = [m.manifest for m in listed if m.manifest.content == content]
            for packed in bins(own, policy):
                old = [each for each in packed if each.added_snapshot_id != attempt.snapshot_id]
                found += [by_path[each.manifest_path] for each in packed if each not in old]
                if len(old) == 1:
                    found.append(by_path[old[0].manifest_path])
                elif old:
                    several = [by_path[each.manifest_path] for each in old]
                    found.append(self._merge(attempt, several, content))
        return tuple(found)

    def _merge(
        self, attempt: Attempt, listed: Sequence[Listed], content: ManifestContent
    ) -> Listed:
        spec_id = listed[0].manifest.partition_spec_id
        written, io = self._format(spec_id, content), self._table.io
        entries: list[Entry] = []
        carried: list[Carried] = []
        for each in listed:
            if each.entries:
                entries += [e.existing(each.manifest.sequence_number) for e in each.entries]
            elif (blocks := written.carried(each.manifest, io)) is not None:
                carried.append(blocks)
            else:
                entries += [written.existing(e) for e in _entries(io, [each.manifest])]
        return self._manifest(attempt, spec_id, tuple(entries), carried, content)

    def _manifest(
        self,
        attempt: Attempt,
        spec_id: int,
        entries: tuple[Entry, ...],
        carried: Sequence[Carried],
        content: ManifestContent = ManifestContent.DATA,
    ) -> Listed:
        path = attempt.manifest_path()
        manifest, attempt.contents[path] = self._format(spec_id, content).manifest(
            path, entries, carried, attempt.snapshot_id, attempt.sequence_number
        )
        kept = entries if manifest.added_files_count else ()
        return Listed(manifest, self._lists.line(manifest), kept)

    def _format(
        self, spec_id: int, content: ManifestContent = ManifestContent.DATA
    ) -> ManifestFormat:
        if (spec_id, content) not in self._formats:
            metadata = self._table.metadata
            self._formats[spec_id, content] = ManifestFormat(
                metadata.schema(), metadata.specs()[spec_id], self._codec, content
            )
        return self._formats[spec_id, content]


def _packed(manifests: Sequence[ManifestFile], target_bytes: int) -> list[list[ManifestFile]]:
    found: list[list[ManifestFile]] = [[]]
    size = 0
    for manifest in manifests:
        size += manifest.manifest_length
        if found[-1] and size > target_bytes:
            found.append([])
            size = manifest.manifest_length
        found[-1].append(manifest)
    return found


def _entries(io: FileIO, manifests: Sequence[ManifestFile]) -> list[ManifestEntry]:
    return [
        entry
        for manifest in manifests
        for entry in entries_in(content_of(io, manifest.manifest_path), manifest)
    ]
