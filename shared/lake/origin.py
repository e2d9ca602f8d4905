"""What a derived table is built from, beside where its inputs stand now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.lake.positions import PartitionKey
from shared.lake.provenance import completeness, traced
from shared.lake.table_state import TableState
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """One input of a table.

    Attributes:
        snapshot_id, sequence_number: what was read of it last; ``None`` before the first build.
        head_id, head_sequence: where it stands; ``None`` when it has no snapshot.
        retained: whether the snapshot read is still there; if not, the next build is a full one.
    """

    table: str
    snapshot_id: int | None
    sequence_number: int | None
    head_id: int | None
    head_sequence: int | None
    retained: bool

    @property
    def behind(self) -> int | None:
        """Commits of the input that were not read; ``None`` when one of both is not known."""
        if self.sequence_number is None or self.head_sequence is None:
            return None
        return max(0, self.head_sequence - self.sequence_number)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table's rows come from.

    Attributes:
        sources: every input, those no longer declared included; none for a landing table.
        transform: version and code that built it; ``None`` when it was never built.
        as_of: business date, for a ticked table.
        complete: next offset of every partition up to which it holds everything.
    """

    sources: tuple[SourceStanding, ...]
    transform: str | None
    as_of: date | None
    complete: Mapping[PartitionKey, int]


def origin(spec: TableSpec, state: TableState, inputs: Mapping[str, TableState | None]) -> Origin:
    """What the table says of its inputs.

    Args:
        spec: the table.
        state: of that table.
        inputs: the states of what it reads; ``None`` for one that the catalog does not have.
    """
    head = state.current_snapshot()
    complete = {} if head is None else completeness(state, head.snapshot_id)
    if spec.derived is None:
        return Origin((), None, None, complete)
    known = traced(state).provenance
    names = dict.fromkeys([*spec.derived.reads, *(() if known is None else known.sources)])
    sources = []
    for name in names:
        cut = None if known is None else known.sources.get(name)
        found = inputs.get(name)
        now = None if found is None else found.current_snapshot()
        retained = (
            cut is not None
            and found is not None
            and found.table_uuid == cut.uuid
            and cut.snapshot_id in found.by_id
        )
        sources.append(
            SourceStanding(
                name,
                None if cut is None else cut.snapshot_id,
                None if cut is None else cut.sequence_number,
                None if now is None else now.snapshot_id,
                None if now is None else now.sequence_number,
                retained,
            )
        )
    return Origin(
        tuple(sources),
        None if known is None else known.transform,
        None if known is None else known.as_of,
        complete,
    )
