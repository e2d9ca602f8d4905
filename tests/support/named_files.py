"""What a table names, told by PyIceberg alone, beside what there is on disk."""

from __future__ import annotations

from pathlib import Path

from pyiceberg.manifest import ManifestEntryStatus

from tests.support.lake import Lake


def named(lake: Lake) -> set[Path]:
    """Every file that the metadata of a lake's table names, of whatever retained snapshot."""
    table = lake.table
    metadata = table.metadata
    found = {table.metadata_location, *(each.metadata_file for each in metadata.metadata_log)}
    found |= {each.statistics_path for each in metadata.statistics}
    for snapshot in metadata.snapshots:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            found.add(manifest.manifest_path)
            found |= {
                entry.data_file.file_path
                for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False)
                if entry.status != ManifestEntryStatus.DELETED
            }
    return {Path(each.removeprefix("file://")) for each in found}


def missing(lake: Lake) -> set[Path]:
    """Files that are named and not there: each is a loss."""
    return named(lake) - lake.files()


def unnamed(lake: Lake) -> set[Path]:
    """Files that are there and not named."""
    return lake.files() - named(lake)
