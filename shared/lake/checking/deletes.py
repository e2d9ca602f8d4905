"""Position deletes of a snapshot: does every one of them delete one live row, once?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io import FileIO

from shared.lake.checking.findings import Check, Finding, abridged, warning, wrong
from shared.lake.divided_deletes import worth_dividing
from shared.lake.reading.live_files import LiveFile, LiveFiles

_COLUMNS = ["file_path", "pos"]


def check_deletes(io: FileIO, files: LiveFiles) -> tuple[Check, int]:
    """Whether the delete files say what they should, and how many rows they delete.

    Wrong is a position that is deleted twice or does not exist, and a file that holds another
    number of positions than its manifest states. A position of a file that is not live, or younger
    than the delete, deletes nothing: a warning, as it costs every reader. In a large delete file
    that also deletes rows, a few such are no more than counted: to write it anew costs more.

    Raises:
        OSError: the store does not answer, or lacks a delete file.
    """
    read = {path: _positions(io, path) for path in files.deletes}
    findings = [
        wrong(f"{path} holds {read[path].num_rows} positions, {live.file.record_count} are stated")
        for path, live in files.deletes.items()
        if live.file.record_count != read[path].num_rows
    ]
    idle = {path: _idle(live, read[path], files.data) for path, live in files.deletes.items()}
    left = {  # compaction leaves them as well
        path: found.count
        for path, found in idle.items()
        if found.count < read[path].num_rows
        and not worth_dividing(read[path].num_rows, found.count)
    }
    findings += _of_no_use([found for path, found in idle.items() if path not in left])
    total = sum(positions.num_rows for positions in read.values())
    if read:
        everything = pa.concat_tables(read.values()).unify_dictionaries()
        findings += _repeated(everything)
        findings += _beyond(everything, files.data)
    looked_at = f"{total} positions in {len(read)} files"
    if few := sum(left.values()):
        looked_at += f", {few} of them of files that are gone"
    check = Check("deletes", looked_at, tuple(findings))
    return check, total - sum(found.count for found in idle.values())


@dataclass(frozen=True, slots=True)
class _Idle:
    """Positions of one delete file that delete nothing, by the file that they name."""

    dangling: Mapping[str, int]
    """It is not live."""
    early: Mapping[str, int]
    """It is younger than the delete file."""

    @property
    def count(self) -> int:
        return sum(self.dangling.values()) + sum(self.early.values())


def _positions(io: FileIO, path: str) -> pa.Table:
    with io.new_input(path).open() as stream:
        return pq.read_table(stream, columns=_COLUMNS, read_dictionary=["file_path"])


def _idle(delete: LiveFile, positions: pa.Table, data: Mapping[str, LiveFile]) -> _Idle:
    dangling: dict[str, int] = {}
    early: dict[str, int] = {}
    for each in pc.value_counts(positions["file_path"]).to_pylist():
        live = data.get(each["values"])
        if live is None:
            dangling[each["values"]] = each["counts"]
        elif live.sequence_number > delete.sequence_number:
            early[each["values"]] = each["counts"]
    return _Idle(dangling, early)


def _of_no_use(idle: Iterable[_Idle]) -> Iterator[Finding]:
    """Positions that delete nothing."""
    dangling: Counter[str] = Counter()
    early: Counter[str] = Counter()
    for found in idle:
        dangling.update(found.dangling)
        early.update(found.early)
    if dangling:
        yield warning(
            f"{dangling.total()} positions name {len(dangling)} files that are not live: "
            f"{abridged(dangling)}"
        )
    if early:
        yield warning(f"positions of files that are younger delete nothing: {abridged(early)}")


def _repeated(positions: pa.Table) -> Iterator[Finding]:
    counted = positions.group_by(_COLUMNS).aggregate([([], "count_all")])
    twice = counted.filter(pc.greater(counted["count_all"], 1))
    if twice.num_rows:
        places = _places(twice)
        yield wrong(f"{twice.num_rows} positions are deleted more than once: {abridged(places)}")


def _beyond(positions: pa.Table, data: Mapping[str, LiveFile]) -> Iterator[Finding]:
    extremes = positions.group_by("file_path").aggregate([("pos", "min"), ("pos", "max")])
    wrongly = []
    for each in extremes.to_pylist():
        live = data.get(each["file_path"])
        rows = 0 if live is None else live.file.record_count
        if live is not None and (each["pos_min"] < 0 or each["pos_max"] >= rows):
            at = each["pos_min"] if each["pos_min"] < 0 else each["pos_max"]
            wrongly.append(f"{each['file_path']}:{at} of {rows} rows")
    if wrongly:
        yield wrong(f"positions that their files do not have: {abridged(wrongly)}")


def _places(positions: pa.Table) -> Iterable[str]:
    paths, rows = (positions[name].to_pylist() for name in _COLUMNS)
    return [f"{path}:{row}" for path, row in zip(paths, rows, strict=True)]
