"""What a check says: what it looked at, and what it found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """Odd, or will cost something; the rows are right."""
    WRONG = "wrong"
    SKIPPED = "skipped"
    """It could not be looked at; the reason is told."""


_BAD_FIRST = (Verdict.WRONG, Verdict.SKIPPED, Verdict.WARNING)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be; ``what`` for people, without values of payloads."""

    verdict: Verdict
    what: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one table.

    Attributes:
        name: what was checked: ``files``, ``deletes``, ``totals``, ``ledger`` …
        looked_at: how much was looked at, in words.
        findings: what is not as it should be; none when all is well.
        next_step: what to do about it; may be empty.
    """

    name: str
    looked_at: str
    findings: tuple[Finding, ...] = ()
    next_step: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings."""
        return worst(finding.verdict for finding in self.findings)


@dataclass(frozen=True, slots=True)
class TableChecks:
    """All checks of one table at one snapshot; ``None`` for a table without any."""

    table: str
    snapshot_id: int | None
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks."""
        return worst(check.verdict for check in self.checks)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst one; ok when there is none."""
    found = set(verdicts)
    return next((each for each in _BAD_FIRST if each in found), Verdict.OK)


def wrong(what: str) -> Finding:
    """Something is wrong."""
    return Finding(Verdict.WRONG, what)


def warning(what: str) -> Finding:
    """Something is odd."""
    return Finding(Verdict.WARNING, what)


def skipped(what: str) -> Finding:
    """Something could not be looked at."""
    return Finding(Verdict.SKIPPED, what)


def abridged(names: Iterable[str], most: int = 3) -> str:
    """A few names and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
