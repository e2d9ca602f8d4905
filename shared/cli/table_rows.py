"""What ``bergline tables`` tells of a table, a snapshot and a file: a line, or JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shared.cli.words import NOTHING, cell, count, moment, size

if TYPE_CHECKING:
    from shared.lake.history import Version
    from shared.lake.inventory import DataFileFigures, TableFigures
    from shared.lake.skew import Skew


def skew_in_words(uneven: Skew) -> str:
    """How unevenly rows lie in partitions."""
    return (
        f"{uneven.partitions} partitions of {size(uneven.median_bytes)} (median), at most "
        f"{uneven.most_files} files; the largest, {cell(uneven.largest or 'level 0')}, has "
        f"{size(uneven.largest_bytes)} in {uneven.largest_files} files: "
        f"{uneven.ratio:.1f} times the median"
    )


def figures_row(each: TableFigures) -> tuple[object, ...]:
    """A line of a table, with what is wrong with it."""
    if not each.exists:
        return (each.table, each.kind, *("",) * 7, "[red]missing[/]: run `bergline bootstrap`")
    note = ""
    if each.positions == "lost" and each.kind == "landing":
        note = f"[red]not consumed[/]: see `bergline offsets show {each.table}`"
    elif each.positions == "lost":
        note = "[yellow]built anew[/] next time"
    elif each.foreign:
        note = f"{each.foreign} snapshots of other engines on top"
    return (
        each.table,
        each.kind,
        count(each.rows),
        count(each.files),
        size(each.bytes),
        count(each.snapshots),
        moment(each.committed_at),
        cell(each.writer),
        str(each.positions),
        note,
    )


def figures_json(each: TableFigures) -> dict[str, Any]:
    """A table."""
    return {**asdict(each), "committed_at": _iso(each.committed_at)}


def version_row(version: Version) -> tuple[object, ...]:
    """A line of a snapshot."""
    moved = " ".join(
        f"{topic}/{partition}:{NOTHING if before is None else before}→{after}"
        for (topic, partition), (before, after) in version.moved.items()
    )
    writer = cell(version.writer) + (" [yellow](foreign)[/]" if version.foreign else "")
    return (
        version.snapshot_id,
        version.sequence_number,
        moment(version.committed_at),
        str(version.standing),
        version.operation,
        writer,
        count(version.added_rows),
        count(version.total_rows),
        moved,
        cell(" ".join(version.refs)),
    )


def version_json(version: Version) -> dict[str, Any]:
    """A snapshot."""
    return {
        "snapshot_id": version.snapshot_id,
        "parent_id": version.parent_id,
        "sequence_number": version.sequence_number,
        "committed_at": _iso(version.committed_at),
        "standing": str(version.standing),
        "operation": version.operation,
        "writer": version.writer,
        "commit_id": version.commit_id,
        "foreign": version.foreign,
        "added_rows": version.added_rows,
        "total_rows": version.total_rows,
        "offsets_moved": [
            {"topic": topic, "partition": partition, "from": before, "to": after}
            for (topic, partition), (before, after) in version.moved.items()
        ],
        "refs": list(version.refs),
    }


def file_row(each: DataFileFigures) -> tuple[object, ...]:
    """A line of a data file."""
    return (
        each.path.rsplit("/", 1)[-1],
        cell(each.partition),
        count(each.rows),
        size(each.bytes),
        each.delete_files or "",
    )


def _iso(at: Any) -> str | None:
    return None if at is None else at.isoformat()
