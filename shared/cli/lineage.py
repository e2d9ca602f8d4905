"""``bergline lineage``: which topic and table leads to which, from the declarations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.completing import any_table
from shared.cli.output import Format, Output, emit, table
from shared.cli.words import cell

if TYPE_CHECKING:
    from shared.tables.spec import TableSpec

app = typer.Typer(add_completion=False)


class Picture(StrEnum):
    """How the lineage is drawn."""

    TABLE = "table"
    MERMAID = "mermaid"
    JSON = "json"


@app.command()
def lineage(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[TABLE]", help="One table; default all.", autocompletion=any_table),
    ] = None,
    up: Annotated[
        bool, typer.Option("--upstream", help="Only what the table is built from.")
    ] = False,
    down: Annotated[
        bool, typer.Option("--downstream", help="Only what is built from the table.")
    ] = False,
    picture: Annotated[
        Picture, typer.Option("--format", help="mermaid draws a flowchart for documents.")
    ] = Picture.TABLE,
    output: Output = Format.TEXT,
) -> None:
    """Show what every table is built from, down from the topics, in the order of building.

    Of one table: everything that it is built from and everything that is built from it.
    """
    from shared.tables.registry import TABLES

    shown = selection(name, TABLES, up=up, down=down)
    if output is Format.JSON or picture is Picture.JSON:
        emit(Format.JSON, as_json(name, shown, TABLES), "")
    elif picture is Picture.MERMAID:
        print(as_mermaid(shown, TABLES))
    else:
        emit(output, {}, _as_table(shown, TABLES))


def selection(
    name: str | None, tables: Mapping[str, TableSpec], *, up: bool, down: bool
) -> tuple[str, ...]:
    """The tables to show, in build order; both directions when none is chosen.

    Raises:
        NotFound: no such table is declared.
        ConfigurationError: a direction is given, and no table.
    """
    from shared.cli.chosen import declared
    from shared.runtime.errors import ConfigurationError
    from shared.tables.lineage import downstream, in_order, upstream

    ordered = in_order(tables)
    if name is None:
        if up or down:
            raise ConfigurationError("--upstream and --downstream are about one table", "name it")
        return ordered
    declared(name, tables)
    both = up == down
    wanted = {name}
    wanted |= upstream(name, tables) if up or both else set()
    wanted |= downstream(name, tables) if down or both else set()
    return tuple(each for each in ordered if each in wanted)


def edges(shown: Collection[str], tables: Mapping[str, TableSpec]) -> Iterator[tuple[str, str]]:
    """(topic or table, table) for every input of the tables shown."""
    from shared.tables.lineage import reads

    for name in shown:
        yield from ((topic, name) for topic in tables[name].topics)
        yield from ((source, name) for source in reads(tables[name]) if source in shown)


def as_json(
    name: str | None, shown: Collection[str], tables: Mapping[str, TableSpec]
) -> dict[str, Any]:
    """Tables with their kind and neighbours, and the edges between what is shown."""
    return {
        "table": name,
        "tables": [_described(tables[each], tables) for each in shown],
        "edges": [{"from": source, "to": target} for source, target in edges(shown, tables)],
    }


def as_mermaid(shown: Collection[str], tables: Mapping[str, TableSpec]) -> str:
    """A Mermaid flowchart: topics are subroutines, tables are cylinders, a layer is a subgraph."""
    from shared.tables.lineage import layer

    drawn = list(edges(shown, tables))
    topics = sorted({source for source, _ in drawn if source not in tables})
    lines = ["flowchart LR"]
    lines += [f'    {_id("topic", topic)}[["{topic}"]]' for topic in topics]
    for each in dict.fromkeys(layer(name) for name in shown):
        lines.append(f"    subgraph {each}")
        lines += [
            f'        {_id("table", name)}[("{name.partition(".")[2]}")]'
            for name in shown
            if layer(name) == each
        ]
        lines.append("    end")
    for source, target in drawn:
        kind = "table" if source in tables else "topic"
        lines.append(f"    {_id(kind, source)} --> {_id('table', target)}")
    return "\n".join(lines)


def _id(kind: str, name: str) -> str:
    """Mermaid knows no dots in ids, and a topic may be named as a table is."""
    return f"{kind}_{name}".replace(".", "_").replace("-", "_")


def _described(spec: TableSpec, tables: Mapping[str, TableSpec]) -> dict[str, Any]:
    from shared.tables.lineage import layer, readers, reads

    return {
        "table": spec.name,
        "layer": layer(spec.name),
        "kind": "landing" if spec.derived is None else str(spec.derived.kind),
        "topics": list(spec.topics),
        "reads": list(reads(spec)),
        "read_by": list(readers(spec.name, tables)),
        "key": [] if spec.derived is None else list(spec.derived.key),
        "ticked": spec.derived is not None and spec.derived.ticked,
    }


def _as_table(shown: Collection[str], tables: Mapping[str, TableSpec]) -> Any:
    rows = []
    for name in shown:
        each = _described(tables[name], tables)
        ticked = " and the date" if each["ticked"] else ""
        rows.append(
            (
                name,
                each["kind"],
                cell(", ".join(each["topics"] or each["reads"]) + ticked),
                cell(", ".join(each["read_by"])),
            )
        )
    return table(("table", "kind", "from", "read by"), rows)
