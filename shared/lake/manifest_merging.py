"""Which manifests of a snapshot are merged into one, as the table's properties ask.

The rule is that of Iceberg's reference implementation and of PyIceberg: manifests of one
partition spec are packed from the oldest on into bins of ``commit.manifest.target-size-bytes``; a
bin of several becomes one manifest, but the youngest bin only when it holds
``commit.manifest.min-count-to-merge``. They mean the youngest bin of all specs, here it is that of
each spec: a table whose commits alternate between two would have one of them merged every time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pyiceberg.manifest import ManifestFile
from pyiceberg.table import TableProperties
from pyiceberg.utils.bin_packing import ListPacker
from pyiceberg.utils.properties import property_as_bool, property_as_int


@dataclass(frozen=True, slots=True)
class MergePolicy:
    """The table's properties about merging."""

    enabled: bool
    min_count: int
    target_bytes: int

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Self:
        """The policy of a table, with PyIceberg's defaults.

        Raises:
            ValueError: a property is not what it should be.
        """
        known = dict(properties)
        names = TableProperties
        count = property_as_int(
            known, names.MANIFEST_MIN_MERGE_COUNT, names.MANIFEST_MIN_MERGE_COUNT_DEFAULT
        )
        size = property_as_int(
            known, names.MANIFEST_TARGET_SIZE_BYTES, names.MANIFEST_TARGET_SIZE_BYTES_DEFAULT
        )
        return cls(
            property_as_bool(
                known, names.MANIFEST_MERGE_ENABLED, names.MANIFEST_MERGE_ENABLED_DEFAULT
            ),
            names.MANIFEST_MIN_MERGE_COUNT_DEFAULT if count is None else count,
            names.MANIFEST_TARGET_SIZE_BYTES_DEFAULT if size is None else size,
        )

    @property
    def at_once(self) -> MergePolicy:
        """Merging that does not wait until it is worth a commit's while."""
        return MergePolicy(True, 2, self.target_bytes)


def bins(manifests: Sequence[ManifestFile], policy: MergePolicy) -> list[list[ManifestFile]]:
    """Manifests of one content, youngest first, in bins; of several each is to become one."""
    if not policy.enabled or not manifests:
        return [[manifest] for manifest in manifests]
    groups: dict[int, list[ManifestFile]] = {}
    for manifest in manifests:
        groups.setdefault(manifest.partition_spec_id, []).append(manifest)
    packer: ListPacker[ManifestFile] = ListPacker(
        policy.target_bytes, lookback=1, largest_bin_first=False
    )
    found: list[list[ManifestFile]] = []
    for spec_id in reversed(groups):
        for packed in packer.pack_end(groups[spec_id], lambda each: each.manifest_length):
            too_few = groups[spec_id][0] in packed and len(packed) < policy.min_count
            found += [[each] for each in packed] if too_few else [packed]
    return found
