"""One table on one page: declaration, origin, progress, columns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shared.cli.output import table
from shared.cli.words import NOTHING, cell, count, moment, size, stacked
from shared.lake.inventory import TableFigures
from shared.lake.origin import Origin, SourceStanding
from shared.tables.lineage import readers
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec


def as_json(spec: TableSpec, figures: TableFigures, origin: Origin) -> dict[str, Any]:
    """The page for programs."""
    at = figures.committed_at
    derived = spec.derived
    return {
        **asdict(figures),
        "committed_at": None if at is None else at.isoformat(),
        "doc": spec.doc,
        "topics": list(spec.topics),
        "reads": [] if derived is None else list(derived.reads),
        "read_by": list(readers(spec.name, TABLES)),
        "key": [] if derived is None else list(derived.key),
        "sort": [] if derived is None else list(derived.sort),
        "stamped": [] if derived is None else list(derived.stamped),
        "ticked": derived is not None and derived.ticked,
        "partitioned_by": _partitioning(spec),
        "transform": origin.transform,
        "as_of": None if origin.as_of is None else origin.as_of.isoformat(),
        "sources": [{**asdict(each), "behind": each.behind} for each in origin.sources],
        "complete": [
            {"topic": topic, "partition": partition, "offset": offset}
            for (topic, partition), offset in sorted(origin.complete.items())
        ],
        "columns": [
            {
                "name": column.name,
                "type": column.type.value,
                "field_id": column.field_id,
                "required": column.required,
                "doc": column.doc,
            }
            for column in spec.columns
        ],
    }


def as_text(spec: TableSpec, figures: TableFigures, origin: Origin) -> Any:
    """The page for people."""
    derived = spec.derived
    facts: list[tuple[object, ...]] = [
        (
            "kind",
            figures.kind + (", and by the business date" if derived and derived.ticked else ""),
        ),
        ("topics", cell(", ".join(spec.topics))) if spec.topics else ("", ""),
        ("reads", cell(", ".join(derived.reads))) if derived else ("", ""),
        ("read by", cell(", ".join(readers(spec.name, TABLES)) or NOTHING)),
        ("key", cell(", ".join(derived.key))) if derived else ("", ""),
        ("partitioned by", cell(_partitioning(spec) or NOTHING)),
        ("rows", count(figures.rows)),
        ("files", f"{count(figures.files)}, {size(figures.bytes)}"),
        ("delete files", count(figures.delete_files)),
        ("snapshots", count(figures.snapshots)),
        ("last commit", f"{moment(figures.committed_at)} by {cell(figures.writer)}"),
        ("snapshot", figures.snapshot_id or NOTHING),
        ("transform", cell(origin.transform)) if derived else ("", ""),
        ("as of", origin.as_of) if origin.as_of else ("", ""),
    ]
    parts: list[Any] = [cell(spec.doc), "", table(("", ""), [fact for fact in facts if fact[0]])]
    if origin.sources:
        headings = ("input", ">read", ">head", ">commits behind", "")
        parts += ["", table(headings, [_source_row(each) for each in origin.sources])]
    if origin.complete:
        rows = [(*key, offset) for key, offset in sorted(origin.complete.items())]
        parts += ["", table(("topic", ">partition", ">complete up to"), rows)]
    columns = [
        (column.name, column.type.value, "" if column.required else "null", cell(column.doc))
        for column in spec.columns
    ]
    return stacked(*parts, "", table(("column", "type", "", "what"), columns))


def _source_row(each: SourceStanding) -> tuple[object, ...]:
    note = ""
    if each.snapshot_id is None:
        note = "not read yet"
    elif not each.retained:
        note = "[yellow]what was read is gone: the next build is a full one[/]"
    behind = NOTHING if each.behind is None else count(each.behind)
    return (each.table, each.snapshot_id or NOTHING, each.head_id or NOTHING, behind, note)


def _partitioning(spec: TableSpec) -> str | None:
    by = spec.partition_by
    return None if by is None else f"{by.grain.value} of {by.column}"
