"""Is a stored table what its inputs give? Some groups are computed again and compared.

The inputs are read at the cuts that the table recorded, so whatever was committed since does not
matter. ``python -m services.transformer.verification`` is asked by ``bergline verify``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from services.transformer.framework import routing
from services.transformer.framework.code_hash import transform_id
from services.transformer.framework.folding import candidates, fold
from services.transformer.framework.frames import (
    computed,
    conform,
    schema,
    union,
    within,
    without_empty_chunks,
)
from services.transformer.framework.lake import Heads, Lake, SourceHead, equal_to
from services.transformer.framework.sampling import chosen
from services.transformer.framework.transform import Closure, Fold, Transform, derivation
from shared.lake.provenance import Provenance
from shared.lake.reading.scan import Keys
from shared.runtime.errors import BerglineError

if TYPE_CHECKING:
    from services.transformer.building.iceberg_lake import IcebergLake

EXAMPLES = 5
"""Rows that differ which are shown of one table."""


@dataclass(frozen=True, slots=True)
class Differing:
    """One row that differs.

    Attributes:
        key: its key as text.
        kind: ``missing`` (the inputs give it, it is not stored), ``surplus`` (stored, the inputs do
            not give it) or ``other values``.
        columns: those whose values differ; of ``other values`` only.
    """

    key: dict[str, str | None]
    kind: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of one table.

    Attributes:
        skipped: why nothing was compared; empty when something was.
        groups: how many groups, or keys of a fold, were computed again.
        rows: how many rows that gave.
        differing: how many rows differ.
        examples: some of them.
    """

    table: str
    snapshot_id: int | None = None
    skipped: str = ""
    groups: int = 0
    rows: int = 0
    differing: int = 0
    examples: tuple[Differing, ...] = ()


def verify(transform: Transform, lake: Lake, number: int, seed: int) -> Verified:
    """Compute some groups of a table again and compare them with its stored rows.

    Args:
        transform: how the table is built.
        lake: the tables; the target and the inputs are looked at as they stand there.
        number: groups chosen from the stored rows, and as many from each input.
        seed: chooses others.
    """
    name = transform.target.name
    target = lake.target(name)
    known = target.provenance
    if target.snapshot_id is None or known is None:
        return Verified(name, target.snapshot_id, "it does not say what it was built from")
    if known.transform != transform_id(transform):
        return Verified(name, target.snapshot_id, f"it was built by other code: {known.transform}")
    gone = [table for table, cut in known.sources.items() if not lake.readable(table, cut)]
    if gone:
        return Verified(
            name, target.snapshot_id, f"what it read of {', '.join(gone)} is not retained any more"
        )
    heads = {
        source.table: SourceHead(known.sources[source.table], {})
        if source.table in known.sources
        else None
        for source in transform.inputs
    }
    groups = chosen(transform, heads, lake, target.snapshot_id, number, seed)
    rows = again(transform, groups, heads, known, lake)
    stored = lake.stored(name, target.snapshot_id, equal_to(groups))
    differing = compared(transform, stored.select(computed(transform.target)), rows)
    return Verified(
        name,
        target.snapshot_id,
        groups=groups.height,
        rows=rows.height,
        differing=len(differing),
        examples=tuple(differing[:EXAMPLES]),
    )


def again(
    transform: Transform, groups: pl.DataFrame, heads: Heads, built: Provenance, lake: Lake
) -> pl.DataFrame:
    """The rows of these groups, or keys of a fold, from all of their input rows."""
    if isinstance(transform, Fold):
        rows = _folded(transform, groups, heads, lake)
    else:
        wanted = groups
        if isinstance(transform, Closure):
            wanted = routing.closed(transform, groups, heads, lake)
        frames = routing.rows_of(transform, wanted, heads, lake)
        ordered = {
            each.table: without_empty_chunks(frames[each.table].select(each.columns))
            for each in transform.inputs
        }
        rows = conform(transform.build(ordered, built.as_of), transform.target)
    return within(rows, groups)


def _folded(transform: Fold, keys: pl.DataFrame, heads: Heads, lake: Lake) -> pl.DataFrame:
    source = transform.source
    head = heads[source.table]
    parts = [schema(transform.target, computed(transform.target)).to_frame()]
    if head is not None and transform.by:
        wanted = Keys(keys.select(list(transform.by)), transform.by)
        rows = lake.scan(source.table, head.cut, source.columns, wanted, located=False)
        parts.append(candidates(transform, rows))
    elif head is not None:
        chunks = lake.chunks(source.table, head.cut, source.columns)
        parts += (within(candidates(transform, rows), keys) for rows in chunks)
    return fold(transform, union(parts))


def compared(transform: Transform, stored: pl.DataFrame, rows: pl.DataFrame) -> list[Differing]:
    """The rows that differ, by key; null equals null. Stored rows may repeat a key."""
    key = list(derivation(transform.target).key)
    names = list(computed(transform.target))
    missing = rows.join(stored, on=names, how="anti", nulls_equal=True)
    surplus = stored.join(rows, on=names, how="anti", nulls_equal=True)
    both = missing.join(surplus, on=key, how="inner", nulls_equal=True, suffix=_STORED)
    found = [
        Differing(_key(row, key), "other values", _columns(row, [n for n in names if n not in key]))
        for row in both.iter_rows(named=True)
    ]
    for kind, own, other in (("missing", missing, surplus), ("surplus", surplus, missing)):
        alone = own.join(other, on=key, how="anti", nulls_equal=True)
        found += [Differing(_key(row, key), kind) for row in alone.iter_rows(named=True)]
    repeated = stored.height - stored.unique().height
    if repeated:
        twice = stored.filter(stored.is_duplicated()).unique()
        found += [Differing(_key(row, key), "surplus") for row in twice.iter_rows(named=True)]
    return sorted(found, key=lambda each: (list(map(str, each.key.values())), each.kind))


_STORED = " as stored"


def _key(row: dict[str, Any], key: Sequence[str]) -> dict[str, str | None]:
    return {name: None if row[name] is None else str(row[name]) for name in key}


def _columns(row: dict[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if row[name] != row[name + _STORED])


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the tables named and print one JSON object; 0 whatever was found.

    An error of the platform is printed as ``{"error": …}`` and ends with its exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m services.transformer.verification")
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", choices=["json"], default="json")
    chosen_arguments = parser.parse_args(arguments)
    try:
        found = _found(chosen_arguments.tables, chosen_arguments.sample, chosen_arguments.seed)
    except BerglineError as error:
        told = {"kind": type(error).__name__, "what": error.what, "next_step": error.next_step}
        print(json.dumps({"error": told}))  # noqa: T201 the process's answer
        return error.exit_code
    print(json.dumps({"tables": [asdict(each) for each in found]}))  # noqa: T201
    return 0


def _found(tables: Sequence[str], number: int, seed: int) -> list[Verified]:
    from services.transformer import tokens
    from services.transformer.building.iceberg_lake import IcebergLake
    from services.transformer.building.tables import Tables
    from services.transformer.config import TransformerSettings

    settings = TransformerSettings.load()
    if settings.transformer_token_key is not None:
        secret = settings.transformer_token_key.get_secret_value().encode()
        tokens.use(tokens.TokenKey(secret))
    tables_of_lake = Tables(settings)
    return [_verified(name, IcebergLake(tables_of_lake), number, seed) for name in tables]


def _verified(name: str, lake: IcebergLake, number: int, seed: int) -> Verified:
    """One table; what cannot be read of it does not keep others from being looked at."""
    from services.transformer.framework.registry import TRANSFORMS

    if name not in TRANSFORMS:
        return Verified(name, skipped="nothing here builds it")
    try:
        return verify(TRANSFORMS[name], lake, number, seed)
    except (BerglineError, OSError, pl.exceptions.PolarsError) as error:
        told = error.what if isinstance(error, BerglineError) else str(error)
        return Verified(name, skipped=f"not readable: {type(error).__name__}: {told}")


if __name__ == "__main__":
    sys.exit(main())
