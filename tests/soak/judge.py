"""What was promised, and what of it a run broke. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.soak.growth import growths
from tests.soak.ledger import Entry
from tests.soak.outcomes import Maintenance
from tests.soak.sampling import Sample
from tests.soak.stored import Stored
from tests.soak.witness import Comparison

PAUSE_S = 60.0
"""Longest that a stream may be without a commit: as long as a commit is waited for."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a run.

    Attributes:
        seconds: that writers wrote.
        entries: stream → its commits, in order.
        died: writers that ended by themselves, and how.
        comparisons: versions beside the account, by table.
        strange: what writers read that should not have been there.
        samples, stored: by table, in order; the last look at the store is after the end.
        maintenance: what the maintainers told.
    """

    seconds: float
    entries: Mapping[str, Sequence[Entry]]
    maintenance: Maintenance
    died: Sequence[str] = ()
    comparisons: Sequence[Comparison] = ()
    strange: Sequence[str] = ()
    samples: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    stored: Mapping[str, Sequence[Stored]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: which, and how."""

    promise: str
    text: str


def judge(evidence: Evidence) -> list[Violation]:
    """Everything that was broken."""
    return [
        *_appends(evidence),
        *_rows(evidence),
        *_maintenance(evidence.maintenance),
        *_store(evidence),
        *_growth(evidence),
    ]


def _appends(evidence: Evidence) -> list[Violation]:
    broken = [Violation("no writer dies", each) for each in evidence.died]
    every = [each.ended for entries in evidence.entries.values() for each in entries]
    over = max(every, default=0.0)
    for stream, entries in evidence.entries.items():
        failed = [each.error for each in entries if each.error]
        if failed:
            text = f"{stream}: {len(failed)} commits failed, the first with {failed[0]}"
            broken.append(Violation("no append fails", text))
        landed = [each for each in entries if each.sequence]
        if not landed:
            broken.append(Violation("no append fails", f"{stream}: nothing was committed"))
        moments = [each.ended for each in landed]
        if moments:  # one that ends before the others pauses, too
            moments.append(over)
        longest = max((later - earlier for earlier, later in pairwise(moments)), default=0.0)
        if longest > PAUSE_S:
            broken.append(
                Violation("no append fails", f"{stream}: {longest:.0f} s without a commit")
            )
    return broken


def _rows(evidence: Evidence) -> list[Violation]:
    broken = [Violation("no row is resurrected", each) for each in evidence.strange]
    for each in evidence.comparisons:
        at = f"{each.table} at {each.sequence}"
        for promise, count in (
            ("no row is lost", each.lost),
            ("no row is resurrected", each.resurrected),
            ("no row is doubled", each.doubled),
            ("no row is altered", each.altered),
        ):
            if count:
                broken.append(Violation(promise, f"{at}: {count} of {each.rows} rows"))
    if not evidence.comparisons:
        broken.append(Violation("rows are compared", "no version of any table was"))
    return broken


def _maintenance(told: Maintenance) -> list[Violation]:
    broken = []
    if told.attempts_wasted:
        text = f"{told.attempts_wasted} rewrites of {told.bytes_wasted:,} bytes were given up"
        broken.append(Violation("no rewrite is abandoned", text))
    if told.failures:
        text = f"{len(told.failures)} jobs failed, the first: {told.failures[0]}"
        broken.append(Violation("no maintenance fails", text))
    if told.undeleted:
        broken.append(Violation("no maintenance fails", f"{told.undeleted} files stayed"))
    if not told.jobs["compact"]:
        broken.append(Violation("tables are maintained", "nothing was compacted"))
    return broken


def _store(evidence: Evidence) -> list[Violation]:
    broken = []
    for table, looks in evidence.stored.items():
        missing = sorted({path for each in looks for path in each.missing})
        if missing:
            text = f"{table}: {len(missing)} named files are gone, the first {missing[0]}"
            broken.append(Violation("what is named is there", text))
        left = sorted(looks[-1].left_over) if looks else []
        if left:
            text = f"{table}: {len(left)} objects that nothing names stayed, the first {left[0]}"
            broken.append(Violation("what nothing names goes", text))
    return broken


def _growth(evidence: Evidence) -> list[Violation]:
    found = (
        growth
        for table, samples in evidence.samples.items()
        for growth in growths(table, evidence.seconds, samples, evidence.stored.get(table, ()))
    )
    return [
        Violation(
            "nothing grows without end",
            f"{each.table}: {each.name} {each.first:.3g} in the first third, {each.last:.3g} in "
            f"the last, {each.most:.3g} at most; allowed are {_told(each.allowed)} and "
            f"{_told(each.ceiling)}",
        )
        for each in found
        if not each.bounded
    ]


def _told(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:.3g}"
