"""The report of a demonstration, as it is printed and written to ``demo-report.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from deploy.demo import exports
from deploy.demo.checks import Check, check, check_derived, check_export, check_incident
from deploy.demo.derived_ledger import DerivedLedger
from deploy.demo.exports import ExportLedger
from deploy.demo.incident import STOPPED, Incident
from deploy.demo.ledger import Ledger
from deploy.generator.poster import Outcome

FORMAT = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What was found when everything posted had settled."""

    outcomes: Sequence[Outcome]
    ledger: Ledger
    export: ExportLedger
    derived: DerivedLedger


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The incident, and what was found when everything had settled again."""

    incident: Incident
    ledger: Ledger
    derived: DerivedLedger


class Report(BaseModel):
    """What was posted, what is there, and whether that is right.

    ``deliveries`` and ``posted`` count posts; ``ledger`` and ``tables`` count events, of which an
    array holds several. Of each raw table it says how many must be there (``events``), how many
    are (``rows``), and how many are ``lost``, ``doubled`` or ``unasked`` for.
    ``freshness_s`` is per table layer: seconds from receipt to the commit time of the snapshot
    that holds the row; of ``mart``, to that of the first retained snapshot of the sales mart that
    is complete up to the record. ``freshness_upper_bound`` names the layers of which snapshots in
    between were thinned away, so that rows may have been there earlier. ``marts`` compares every
    derived table with its recomputation. ``incident`` is what happened while storage was stopped
    and afterwards, with rows of all raw tables; all else is of before it.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    ok: bool
    seed: int
    deliveries: int
    posted: Mapping[str, int]
    ledger: Mapping[str, int]
    dead_letters: Mapping[str, int]
    tables: Mapping[str, Mapping[str, int]]
    freshness_s: Mapping[str, Mapping[str, float | None]]
    freshness_upper_bound: tuple[str, ...]
    marts: Mapping[str, Any]
    trace: Mapping[str, Any]
    incident: Mapping[str, Any]
    checks: tuple[Check, ...]
    seconds: Mapping[str, float]
    data_dir: str

    @property
    def failed(self) -> list[Check]:
        """Checks that do not hold."""
        return [one for one in self.checks if not one.ok]


def report(
    seed: int,
    found: Found,
    aftermath: Aftermath,
    seconds: Mapping[str, float],
    data_dir: str,
) -> Report:
    """Put the report together. Pure."""
    outcomes, ledger, export, derived = found.outcomes, found.ledger, found.export, found.derived
    happened = aftermath.incident
    checks = (
        *check(outcomes, ledger),
        *check_export(export),
        *check_derived(derived),
        *check_incident(outcomes, happened, aftermath.ledger, aftermath.derived),
    )
    kinds = Counter(outcome.delivery.kind.value for outcome in outcomes)
    retries = sum(outcome.attempts - 1 for outcome in outcomes)
    return Report(
        ok=all(one.ok for one in checks),
        seed=seed,
        deliveries=len(outcomes),
        posted={**dict(sorted(kinds.items())), "retries": retries},
        ledger=ledger.counts,
        dead_letters=ledger.dead_letters,
        tables={**ledger.tables, exports.TABLE: export.counts},
        freshness_s={
            "raw": _rounded(ledger.freshness),
            "mart": _rounded(derived.freshness.seconds),
        },
        freshness_upper_bound=("mart",) if derived.freshness.upper_bound else (),
        marts=_marts(derived),
        trace=ledger.trace,
        incident=_incident(aftermath, seconds),
        checks=checks,
        seconds={name: round(value, 2) for name, value in seconds.items()},
        data_dir=data_dir,
    )


def _incident(aftermath: Aftermath, seconds: Mapping[str, float]) -> dict[str, Any]:
    happened, counts = aftermath.incident, aftermath.ledger.counts
    return {
        "stopped": STOPPED,
        "posted": len(happened.outcomes),
        "accepted": sum(each.accepted for each in happened.outcomes),
        "slowest_answer_s": round(max((each.seconds for each in happened.outcomes), default=0), 3),
        "fired_s": _rounded(happened.fired_s),
        "down_s": round(happened.down_s, 2),
        "resolved_s": _rounded(happened.resolved_s),
        "recovered_s": round(seconds.get("recover", 0.0), 2),
        "events": counts["events"],
        "rows": counts["raw"],
        "lost": counts["lost"],
        "doubled": counts["duplicated"],
        "derived_equal": not aftermath.derived.differing,
    }


def _rounded(seconds: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        name: None if value is None else round(float(value), 3) for name, value in seconds.items()
    }


def _marts(derived: DerivedLedger) -> dict[str, Any]:
    return {
        "equal": not derived.differing,
        "as_of": derived.as_of.isoformat(),
        "orders": derived.orders,
        "tables": {
            each.table: {
                "rows": each.rows,
                "equal": each.equal,
                "missing": each.missing,
                "unasked": each.unasked,
                "examples": each.examples,
            }
            for each in derived.tables
        },
    }
