"""What a derived table says that it is built from: can that be true? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shared.lake.checking.findings import Check, Finding, abridged, warning, wrong
from shared.lake.history import Standing, standings
from shared.lake.provenance import Provenance, SourceCut, completeness, traced
from shared.lake.table_state import TableState
from shared.tables.spec import TableSpec

States = Mapping[str, TableState | None]
"""Tables by logical name; ``None`` for one that the catalog does not have."""


def check_origin(spec: TableSpec, state: TableState, sources: States) -> Check:
    """Whether the recorded cuts exist, lie in the inputs' histories, and bear what is claimed.

    A cut that the input's history no longer has is a warning: the next build starts anew from all
    input. So are rows changed by somebody else.

    Args:
        spec: a derived table.
        state: of that table.
        sources: of every input, loaded no earlier than ``state``.
    """
    known = traced(state)
    if known.provenance is None:
        findings = [] if state.current_snapshot() is None else [wrong(_UNTRACED)]
        return Check("origin", "no build yet" if not findings else "nothing", tuple(findings))
    provenance = known.provenance
    reads = () if spec.derived is None else spec.derived.reads
    findings = list(_of_reads(reads, provenance))
    if known.foreign:
        findings.append(
            warning(
                f"{len(known.foreign)} snapshots of somebody else on top: the next build is a full "
                "one"
            )
        )
    for name, cut in provenance.sources.items():
        findings += _of_cut(name, cut, sources.get(name))
    findings += _of_complete(provenance, sources)
    looked_at = f"{len(provenance.sources)} inputs, transform {provenance.transform}"
    return Check("origin", looked_at, tuple(findings))


_UNTRACED = "the table has snapshots, but none that can be reached says what it is built from"


def _of_reads(reads: tuple[str, ...], provenance: Provenance) -> Iterator[Finding]:
    if further := sorted(set(provenance.sources) - set(reads)):
        yield warning(f"built from {abridged(further)}, which it is not declared to read any more")


def _of_cut(name: str, cut: SourceCut, state: TableState | None) -> Iterator[Finding]:
    if state is None:
        yield wrong(f"built from {name}, which the catalog does not have")
        return
    if state.table_uuid != cut.uuid:
        yield wrong(f"built from another table under the name {name}: uuid {cut.uuid}")
        return
    if cut.sequence_number > state.last_sequence_number:
        yield wrong(
            f"built from commit {cut.sequence_number} of {name}, which has only "
            f"{state.last_sequence_number}: the input came back from a backup"
        )
        return
    snapshot = state.snapshot_by_id(cut.snapshot_id)
    if snapshot is None:
        yield warning(f"snapshot {cut.snapshot_id} of {name} is no longer retained")
        return
    if snapshot.sequence_number != cut.sequence_number:
        yield wrong(
            f"snapshot {cut.snapshot_id} of {name} has sequence number "
            f"{snapshot.sequence_number}, {cut.sequence_number} is recorded"
        )
    if standings(state)[cut.snapshot_id] is Standing.ASIDE:
        yield warning(
            f"{name} was rolled back behind snapshot {cut.snapshot_id}, or that is of a branch"
        )


def _of_complete(provenance: Provenance, sources: States) -> Iterator[Finding]:
    """No table may claim more of a topic than an input of it had at its cut."""
    for name, cut in provenance.sources.items():
        state = sources.get(name)
        if state is None or state.snapshot_by_id(cut.snapshot_id) is None:
            continue
        had = completeness(state, cut.snapshot_id)
        ahead = [
            f"{topic}/{partition} up to {offset}, the input had {had[topic, partition]}"
            for (topic, partition), offset in provenance.complete.items()
            if (topic, partition) in had and offset > had[topic, partition]
        ]
        if ahead:
            yield wrong(f"claims more than {name} had: {abridged(ahead)}")
