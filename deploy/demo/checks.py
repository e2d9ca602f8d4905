"""What must be true after a demonstration; each check says what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.demo import promises
from deploy.demo.derived_ledger import DerivedLedger
from deploy.demo.exports import ANNOUNCED, ExportLedger
from deploy.demo.incident import EXPECTED, Incident
from deploy.demo.ledger import Ledger
from deploy.demo.recomputation import Comparison
from deploy.generator.poster import Outcome


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: what it is, whether it holds, what was found."""

    name: str
    ok: bool
    found: str


def check(outcomes: Sequence[Outcome], ledger: Ledger) -> list[Check]:
    """All checks. Pure.

    A post that got no answer may have been accepted all the same, so that many rows more than
    acknowledged are legal; not one may be missing.
    """
    counts, letters = ledger.counts, ledger.dead_letters
    wrong = [outcome for outcome in outcomes if not outcome.as_expected]
    legal = promises.beyond(outcomes)
    nameless = sum(promises.nameless(outcome) for outcome in outcomes)
    return [
        Check(
            "every post was answered as it must be",
            not wrong and not nameless,
            _first_wrong(wrong) or f"{len(outcomes)} answers",
        ),
        Check(
            "accepted events = raw rows",
            counts["events"] + counts["unasked"] == counts["raw"]
            and counts["unasked"] <= legal["rows"],
            f"{counts['events']} events of {counts['deliveries']} accepted deliveries, "
            f"{counts['raw']} rows, {counts['unasked']} unasked",
        ),
        Check(
            "raw rows = offsets advanced",
            counts["raw"] == counts["offsets"] and counts["repeated_offsets"] == 0,
            f"{counts['raw']} rows, {counts['offsets']} offsets",
        ),
        Check("nothing is lost", counts["lost"] == 0, _by_table(ledger, "lost")),
        Check("nothing is duplicated", counts["duplicated"] == 0, _by_table(ledger, "doubled")),
        Check(
            "every row holds what was posted",
            counts["altered"] == counts["altered_forms"] == 0
            and counts["misplaced"] == counts["errors"] == 0,
            f"{counts['altered']} altered, {counts['altered_forms']} forms incomplete, "
            f"{counts['misplaced']} misplaced, {counts['errors']} unparsed",
        ),
        Check(
            "values that fit no column are named, and no others",
            counts["undeclared_drift"] == 0,
            f"{counts['undeclared_drift']} rows say otherwise",
        ),
        Check(
            "everything unusable is kept as a dead letter",
            letters["kept"] == letters["expected"] and letters["unasked"] <= legal["dead_letters"],
            f"{letters['kept']} of {letters['expected']} kept, {letters['unasked']} unasked",
        ),
        Check(
            "an event can be traced from webhook to row",
            ledger.trace.get("snapshot_id") is not None,
            str(ledger.trace.get("delivery_id", "no row")),
        ),
    ]


def check_export(export: ExportLedger) -> list[Check]:
    """Checks of the export. Pure."""
    counts = export.counts
    return [
        Check(
            "every event of an export is one row, however often its file is named",
            counts["lost"] == counts["doubled"] == counts["unasked"] == 0
            and export.altered == export.errors == 0
            and counts["events"] == counts["rows"]
            and counts["offsets"] == ANNOUNCED,
            f"{counts['events']} events, {counts['rows']} rows of a file named "
            f"{counts['offsets']} times, {counts['lost']} lost, {counts['doubled']} doubled, "
            f"{export.altered} altered, {export.errors} with a wrong error",
        ),
    ]


def check_derived(derived: DerivedLedger) -> list[Check]:
    """Checks of the derived tables. Pure."""
    rows = sum(each.rows for each in derived.tables)
    fresh = derived.freshness
    return [
        Check(
            "every derived table = SQL over the raw rows",
            not derived.differing,
            "; ".join(map(_difference, derived.differing))
            or f"{len(derived.tables)} tables, {rows} rows, {derived.orders} orders in the mart",
        ),
        Check(
            "the mart is complete up to every record",
            not fresh.not_reached,
            f"{fresh.not_reached} of {fresh.records} records not reached",
        ),
    ]


def check_incident(
    before: Sequence[Outcome], happened: Incident, ledger: Ledger, derived: DerivedLedger
) -> list[Check]:
    """Checks of the incident, with the ledger of all that was posted before and during it. Pure."""
    counts, posted = ledger.counts, happened.outcomes
    refused = [each for each in posted if not each.accepted or each.unknown]
    legal = promises.beyond([*before, *posted])
    silent = [name for name in EXPECTED if name not in happened.fired_s]
    lasting = [name for name in EXPECTED if name not in happened.resolved_s]
    return [
        Check(
            "storage stopped: alerts fire",
            not silent,
            _after(happened.fired_s, silent, "did not"),
        ),
        Check(
            "storage stopped: webhooks are accepted",
            bool(posted) and not refused,
            f"{len(posted) - len(refused)} of {len(posted)} answered 2xx",
        ),
        Check(
            "storage is back: alerts are over",
            not lasting,
            _after(happened.resolved_s, lasting, "is not"),
        ),
        Check(
            "storage is back: nothing is lost, nothing is doubled",
            counts["lost"] == counts["duplicated"] == counts["repeated_offsets"] == 0
            and counts["events"] + counts["unasked"] == counts["raw"] == counts["offsets"]
            and counts["unasked"] <= legal["rows"]
            and not derived.differing,
            f"{counts['events']} events, {counts['raw']} rows, {counts['lost']} lost, "
            f"{counts['duplicated']} doubled, {len(derived.differing)} derived tables differ",
        ),
    ]


def _after(seconds: Mapping[str, float], missing: Sequence[str], what: str) -> str:
    told = [f"{name} after {after:.1f} s" for name, after in seconds.items()]
    return "; ".join([*told, *(f"{name} {what}" for name in missing)])


def _difference(found: Comparison) -> str:
    first = f"; for example {dict(found.examples[0])}" if found.examples else ""
    return f"{found.table}: {found.missing} rows missing, {found.unasked} unasked{first}"


def _by_table(ledger: Ledger, what: str) -> str:
    """How many in which tables."""
    found = {name: each[what] for name, each in ledger.tables.items() if each[what]}
    total = sum(found.values())
    named = "".join(f"; {name}: {number}" for name, number in found.items())
    return f"{total} {what} in {len(ledger.tables)} tables{named}"


def _first_wrong(wrong: Sequence[Outcome]) -> str:
    if not wrong:
        return ""
    one = wrong[0]
    return (
        f"{len(wrong)} not; first: {one.delivery.kind.value} {one.delivery.event_type} to "
        f"{one.delivery.path} was answered {one.status or 'nothing'}, not {one.delivery.status}"
    )
