"""What ``bergline verify`` makes of checks and of the process that builds again."""

import json
from typing import Any

import pytest
import typer

from shared.cli import rows_again, verify, verify_page
from shared.cli.output import Format
from shared.lake.checking.findings import Check, TableChecks, Verdict, skipped, warning, wrong
from shared.runtime.errors import CheckFailed, Unavailable

DERIVED, RAW = "core.orders", "raw.shopify_orders"


def answer(**fields: Any) -> dict[str, Any]:
    return {
        "table": DERIVED,
        "snapshot_id": 7,
        "skipped": "",
        "groups": 3,
        "rows": 4,
        "differing": 0,
        "examples": [],
        **fields,
    }


def checks(table: str, *found: Check) -> TableChecks:
    return TableChecks(table, 7, found)


def test_rows_that_are_what_the_inputs_give_are_well() -> None:
    check = rows_again.rows_check(answer())
    assert (check.verdict, check.looked_at) == (Verdict.OK, "4 rows of 3 groups built again")


def test_rows_that_differ_are_told_with_what_to_do() -> None:
    examples = [
        {"key": {"order_id": "1"}, "kind": "other values", "columns": ["total_price", "currency"]},
        {"key": {"order_id": "2"}, "kind": "missing", "columns": []},
    ]
    check = rows_again.rows_check(answer(differing=5, examples=examples))
    [finding] = check.findings
    assert check.verdict is Verdict.WRONG
    assert finding.what == (
        "5 rows differ: (order_id=1) other values in total_price, currency; "
        "(order_id=2) missing and 3 more"
    )
    assert check.next_step == "`bergline refresh core.orders`"


def test_what_could_not_be_built_again_is_skipped_not_well() -> None:
    assert rows_again.rows_check(answer(skipped="other code")).verdict is Verdict.SKIPPED


def test_an_error_of_the_process_is_the_commands_own() -> None:
    error = {"kind": "Unavailable", "what": "the catalog is away", "next_step": "look"}
    with pytest.raises(Unavailable, match="the catalog is away"):
        rows_again._answer(json.dumps({"error": error}), 3)
    with pytest.raises(CheckFailed, match="ended with -9"):
        rows_again._answer("", -9)


def test_rows_stand_behind_the_other_checks_of_their_table() -> None:
    found = [checks(RAW, Check("ledger", "1 row")), checks(DERIVED, Check("origin", "1 input"))]
    both = rows_again.with_rows(found, {DERIVED: rows_again.rows_check(answer())})
    assert [[check.name for check in each.checks] for each in both] == [
        ["ledger"],
        ["origin", "rows"],
    ]


def test_only_what_is_wrong_is_a_failure() -> None:
    odd = Check("deletes", "1", (warning("dangling"),))
    unseen = Check("rows", "nothing", (skipped("gone"),))
    verify._end([checks(DERIVED, odd, unseen)], Format.TEXT)
    bad = Check("key", "2", (unseen.findings[0], wrong("twice")))
    with pytest.raises(CheckFailed, match=DERIVED) as told:
        verify._end([checks(DERIVED, odd, bad), checks(RAW, odd)], Format.TEXT)
    assert "bergline refresh core.orders" in told.value.next_step
    with pytest.raises(CheckFailed) as told:
        verify._end([checks(RAW, bad)], Format.TEXT)
    assert "refresh" not in told.value.next_step
    with pytest.raises(typer.Exit) as ended:
        verify._end([checks(DERIVED, bad)], Format.JSON)
    assert ended.value.exit_code == CheckFailed.exit_code


def test_json_tells_every_check_and_how_to_repeat_it() -> None:
    body = verify_page.as_json(
        [checks(DERIVED, Check("key", "2 rows", (wrong("twice"),), "do"))], 9, 5
    )
    assert (body["verdict"], body["sample"], body["seed"]) == ("wrong", 9, 5)
    assert body["tables"][0]["checks"] == [
        {
            "check": "key",
            "verdict": "wrong",
            "looked_at": "2 rows",
            "findings": [{"verdict": "wrong", "what": "twice"}],
            "next_step": "do",
        }
    ]
