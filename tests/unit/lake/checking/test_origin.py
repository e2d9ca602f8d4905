"""What a derived table claims of its inputs, beside what the inputs are."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from shared.lake.checking.findings import Check, Verdict
from shared.lake.checking.origin import check_origin
from shared.lake.checking.table_checks import _of_origin
from shared.lake.provenance import Provenance, SourceCut
from shared.lake.reader import LakeReader
from shared.lake.table_state import TableState
from tests.support.derived_specs import derived

RAW, TARGET, TOPIC = "raw.orders", "staging.orders", "shop.orders"
SPEC = derived(TARGET, [RAW])
UUID = {RAW: "9c12d441-03fe-4693-9a96-a0705ddf69c1", TARGET: "0b0c4d52-7d5c-4c0a-9d43-2f8ff1f3a9b0"}
PROVENANCE = Provenance({RAW: SourceCut(UUID[RAW], 2, 2)}, "1:3f9a", None, {(TOPIC, 0): 20})


def snapshot(number: int, summary: Mapping[str, str], parent: int | None) -> dict[str, Any]:
    return {
        "snapshot-id": number,
        "parent-snapshot-id": parent,
        "sequence-number": number,
        "timestamp-ms": 1_767_225_600_000 + number,
        "manifest-list": f"s3://warehouse/{number}.avro",
        "summary": {"operation": "append", **summary},
    }


def state(name: str, *summaries: Mapping[str, str], head: int | None = None) -> TableState:
    """Snapshots 1, 2, … one after the other; the last one is the head unless another one is."""
    snapshots = [
        snapshot(number, summary, number - 1 or None)
        for number, summary in enumerate(summaries, start=1)
    ]
    current = head or len(snapshots) or None
    return msgspec.convert(
        {
            "table-uuid": UUID[name],
            "location": "s3://warehouse/t",
            "last-sequence-number": len(snapshots),
            "current-snapshot-id": current,
            "snapshots": snapshots,
            "refs": {"main": {"snapshot-id": current, "type": "branch"}} if current else {},
        },
        TableState,
    )


def landed(offset: int) -> dict[str, str]:
    ledger = {TOPIC: {"0": [[0, offset, offset, 0, 0, None]]}}
    return {
        "bergline.format": "1",
        "bergline.offsets": json.dumps({TOPIC: {"0": offset}}),
        "bergline.ledger": json.dumps(ledger),
    }


RAW_STATE = state(RAW, landed(10), landed(20), landed(30))


def checked(
    provenance: Provenance = PROVENANCE, source: TableState | None = RAW_STATE, **summary: str
) -> Check:
    own = state(TARGET, {**provenance.to_summary(), "bergline.commit": "c", **summary})
    return check_origin(SPEC, own, {RAW: source})


def told(check: Check) -> Iterator[str]:
    for finding in check.findings:
        yield f"{finding.verdict}: {finding.what}"


def test_a_table_built_from_a_snapshot_of_its_input_is_sound() -> None:
    check = checked()
    assert list(told(check)) == []
    assert check.looked_at == "1 inputs, transform 1:3f9a"


def test_a_table_never_built_is_sound() -> None:
    assert check_origin(SPEC, state(TARGET), {RAW: RAW_STATE}).verdict is Verdict.OK


def test_a_table_that_does_not_say_what_it_is_built_from_is_wrong() -> None:
    check = check_origin(SPEC, state(TARGET, {}), {RAW: RAW_STATE})
    assert check.verdict is Verdict.WRONG


def test_changes_of_somebody_else_on_top_are_a_warning() -> None:
    own = state(TARGET, PROVENANCE.to_summary(), {"engine-name": "spark"})
    check = check_origin(SPEC, own, {RAW: RAW_STATE})
    assert check.verdict is Verdict.WARNING
    assert "1 snapshots of somebody else" in next(told(check))


@pytest.mark.parametrize(
    ("cut", "what"),
    [
        (SourceCut("another", 2, 2), "wrong: built from another table under the name raw.orders"),
        (SourceCut(UUID[RAW], 99, 99), "wrong: built from commit 99 of raw.orders"),
        (SourceCut(UUID[RAW], 99, 2), "warning: snapshot 99 of raw.orders is no longer retained"),
        (SourceCut(UUID[RAW], 3, 2), "wrong: snapshot 3 of raw.orders has sequence number 3"),
    ],
)
def test_a_cut_that_cannot_be_is_told(cut: SourceCut, what: str) -> None:
    [found] = told(checked(replace(PROVENANCE, sources={RAW: cut})))
    assert found.startswith(what)


def test_an_input_that_was_rolled_back_behind_the_cut_is_a_warning() -> None:
    source = state(RAW, landed(10), landed(20), head=1)
    [found] = told(checked(source=source))
    assert found.startswith("warning: raw.orders was rolled back")


def test_a_cut_that_main_was_moved_to_from_a_branch_is_sound() -> None:
    branch = {"bergline.branch": "rebuild"}
    source = state(RAW, landed(10), {**landed(20), **branch}, landed(30))
    assert list(told(checked(source=source))) == []


class Moving:
    """A lake where the table is built anew right after it was loaded, and its input forgets."""

    def __init__(self, *own: TableState) -> None:
        self.own = list(own)

    def table(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(metadata=self.own.pop(0))

    def tables(self, _: object) -> dict[str, SimpleNamespace]:
        forgotten = state(RAW, landed(10), landed(20), landed(30))
        kept = tuple(each for each in forgotten.snapshots if each.snapshot_id != 2)
        return {RAW: SimpleNamespace(metadata=msgspec.structs.replace(forgotten, snapshots=kept))}


def moving(monkeypatch: pytest.MonkeyPatch, *own: TableState) -> list[str]:
    monkeypatch.setattr(TableState, "of", lambda metadata: metadata)
    first, *later = own
    lake = cast("LakeReader", Moving(*later))
    return list(told(_of_origin(lake, SPEC, first)))


def test_a_table_that_is_built_anew_meanwhile_is_looked_at_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anew = replace(PROVENANCE, sources={RAW: SourceCut(UUID[RAW], 3, 3)})
    before = state(TARGET, PROVENANCE.to_summary())
    after = state(TARGET, PROVENANCE.to_summary(), anew.to_summary())
    assert moving(monkeypatch, before, after) == []
    assert moving(monkeypatch, before, before) == [
        "warning: snapshot 2 of raw.orders is no longer retained"
    ]


def test_an_input_that_the_catalog_lacks_is_wrong() -> None:
    [found] = told(checked(source=None))
    assert found == "wrong: built from raw.orders, which the catalog does not have"


def test_more_than_the_input_had_may_not_be_claimed() -> None:
    [found] = told(checked(replace(PROVENANCE, complete={(TOPIC, 0): 21})))
    assert (
        found == "wrong: claims more than raw.orders had: shop.orders/0 up to 21, the input had 20"
    )
    assert checked(replace(PROVENANCE, complete={(TOPIC, 0): 19})).verdict is Verdict.OK


def test_an_input_that_is_no_longer_declared_is_a_warning() -> None:
    spec = derived(TARGET, [])
    own = state(TARGET, PROVENANCE.to_summary())
    check = check_origin(spec, own, {RAW: RAW_STATE})
    assert "not declared to read" in next(told(check))
