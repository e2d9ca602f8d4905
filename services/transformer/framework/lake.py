"""What a build asks of the tables: where they stand, what changed, which rows.

:class:`~services.transformer.building.iceberg_lake.IcebergLake` is the real one; the law tests have
one in memory. All reads are of a named snapshot, so a build sees each table at one moment, whatever
is committed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from shared.lake.provenance import Complete, Provenance, SourceCut
from shared.lake.reading.keys import Keys


@dataclass(frozen=True, slots=True)
class SourceHead:
    """Where an input stands: its head, and how far its topics are complete there."""

    cut: SourceCut
    complete: Complete


@dataclass(frozen=True, slots=True)
class TargetHead:
    """Where a target stands.

    Attributes:
        snapshot_id: its head, ``None`` for a table that has no snapshot.
        provenance: what the head or its nearest ancestor that says so was built from.
        foreign: whether somebody else has changed rows since.
    """

    snapshot_id: int | None = None
    provenance: Provenance | None = None
    foreign: bool = False


class Changes(Protocol):
    """Rows that a table gained and lost between two snapshots, whichever way that happened."""

    @property
    def added(self) -> pl.DataFrame:
        """Rows that are new; the new version of a changed row."""

    @property
    def removed(self) -> pl.DataFrame:
        """Rows that are gone; the old version of a changed row."""


class Lake(Protocol):
    """Tables at their snapshots. Row order means nothing, names are logical."""

    def source(self, table: str) -> SourceHead | None:
        """Where an input stands; ``None`` for a table without a snapshot."""

    def target(self, table: str) -> TargetHead:
        """Where the target stands."""

    def readable(self, table: str, cut: SourceCut) -> bool:
        """Whether that snapshot of the same table is still retained."""

    def empty(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        """No rows of an input."""

    def changes(
        self, table: str, start: SourceCut | None, end: SourceCut, columns: Sequence[str]
    ) -> Changes:
        """What came and went between two snapshots; all rows when there is no start."""

    def appended(
        self, table: str, start: SourceCut | None, end: SourceCut, columns: Sequence[str]
    ) -> Iterator[pl.DataFrame] | None:
        """What came between two snapshots, in portions that fit into memory; ``None`` when it
        cannot be said so simply, because rows went or moved as well."""

    def scan(
        self, table: str, cut: SourceCut, columns: Sequence[str], keys: Keys, *, located: bool
    ) -> pl.DataFrame:
        """The rows of an input that ``keys`` wants, with ``_file`` and ``_pos`` if ``located``."""

    def reach(self, table: str, cut: SourceCut, keys: Keys) -> int:
        """How many rows the files have that may hold a row of an input that ``keys`` wants."""

    def chunks(self, table: str, cut: SourceCut, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """All rows of an input, in portions that fit into memory."""

    def height(self, table: str, snapshot_id: int) -> int:
        """How many rows a table has at a snapshot, at most."""

    def located(
        self, table: str, snapshot_id: int, columns: Sequence[str]
    ) -> Iterator[pl.DataFrame]:
        """All rows of the target at a snapshot, with ``_file`` and ``_pos``, in portions that fit
        into memory."""

    def stored(
        self,
        table: str,
        snapshot_id: int | None,
        keys: Keys | None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of the target at a snapshot and where they are; all without keys, of all columns
        unless some are named."""


def equal_to(frame: pl.DataFrame) -> Keys:
    """Keys for rows whose columns have the values that the frame has in columns of these names."""
    return Keys(frame, {name: pl.col(name) for name in frame.columns})


Heads = Mapping[str, SourceHead | None]
"""Where each input of a target stands."""
