"""Files of a snapshot: are they in the object store, and do they add up to what it states?"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

from shared.lake.checking.findings import Check, abridged, wrong
from shared.lake.reading.live_files import LiveFiles

_AT_ONCE = 16
"""Questions to the object store under way at one time."""


def check_existence(io: FileIO, files: LiveFiles) -> Check:
    """Whether the store has every live file, of the size that the manifests state.

    Raises:
        OSError: the store does not answer.
    """
    stated = [live.file for live in (*files.data.values(), *files.deletes.values())]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sizes = list(pool.map(lambda file: _size(io, file), stated))
    missing = [file.file_path for file, size in zip(stated, sizes, strict=True) if size is None]
    other = [
        f"{file.file_path} ({file.file_size_in_bytes} stated, {size} there)"
        for file, size in zip(stated, sizes, strict=True)
        if size is not None and size != file.file_size_in_bytes
    ]
    findings = []
    if missing:
        findings.append(
            wrong(f"{len(missing)} files are missing in the store: {abridged(missing)}")
        )
    if other:
        findings.append(wrong(f"{len(other)} files have another size: {abridged(other)}"))
    looked_at = f"{len(files.data)} data files, {len(files.deletes)} delete files"
    return Check("files", looked_at, tuple(findings))


def check_totals(summary: Mapping[str, str], files: LiveFiles) -> Check:
    """Whether the totals of a snapshot's summary are those of the files that it lists."""
    data = [live.file for live in files.data.values()]
    deletes = [live.file for live in files.deletes.values()]
    counted = {
        "total-records": sum(file.record_count for file in data),
        "total-data-files": len(data),
        "total-delete-files": len(deletes),
        "total-position-deletes": sum(file.record_count for file in deletes),
        "total-files-size": sum(file.file_size_in_bytes for file in (*data, *deletes)),
    }
    known = {key: int(summary[key]) for key in counted if key in summary}
    findings = [
        wrong(f"{key} is stated as {stated}, the files add up to {counted[key]}")
        for key, stated in known.items()
        if stated != counted[key]
    ]
    rows = counted["total-records"] - counted["total-position-deletes"]
    return Check("totals", f"{len(known)} totals, {rows} rows", tuple(findings))


def _size(io: FileIO, file: DataFile) -> int | None:
    """Bytes in the store; ``None`` when it has no such file."""
    try:
        return len(io.new_input(file.file_path))
    except FileNotFoundError:
        return None
