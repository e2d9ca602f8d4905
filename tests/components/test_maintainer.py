"""Tables on a real platform: small by themselves and on command; what fails; who takes over."""

from __future__ import annotations

import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.contracts.maintenance import MaintenanceFailed, MaintenanceSucceeded
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS, MAINTENANCE
from shared.lake.entity_quality.sources import INDEX
from shared.lake.reading.live_files import live_files
from shared.lake.reading.scan import scan
from shared.runtime.ownership import owned as owned_of
from shared.tables.registry import TABLES
from tests.support.maintainer import (
    QUICK,
    commit,
    data_files,
    desk,
    ids,
    owned,
    told,
)
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import state
from tests.support.transformer import table, until

pytestmark = pytest.mark.timeout(400)

ORDERS, CUSTOMERS = "raw.shopify_orders", "raw.shopify_customers"
CHARGES, PRODUCTS = "raw.stripe_charges", "raw.shopify_products"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    directory: Path = tmp_path_factory.mktemp("maintainer")
    replicas = {"maintainer": 2, "ingest": 0, "transformer": 0, "alerter": 0}
    embedded = EmbeddedPlatform(directory, environment=QUICK, replicas=replicas)
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


def test_two_maintainers_share_all_tables(platform: EmbeddedPlatform) -> None:
    def shared() -> bool:
        first, second = owned(platform, 0), owned(platform, 1)
        return bool(first and second) and not first & second and first | second == set(TABLES)

    until(shared, "every table has one maintainer")
    some = owned(platform, 0)
    assert some == set(owned_of(TABLES, _partitions(platform, some), 3))


def _partitions(platform: EmbeddedPlatform, tables: set[str]) -> set[int]:
    return {number for number in range(3) if owned_of(TABLES, {number}, 3) <= tables}


def exposed(platform: EmbeddedPlatform, replica: int) -> str:
    """The series of one maintainer, without what describes them."""
    with urllib.request.urlopen(
        platform.url("maintainer", replica) + "/metrics", timeout=20
    ) as page:
        lines = page.read().decode().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def test_many_small_commits_become_few_files_and_nobody_notices(
    platform: EmbeddedPlatform,
) -> None:
    before = commit(platform, "shopify.orders", ORDERS, range(4))
    reading = before.current_snapshot()
    assert reading is not None
    commit(platform, "shopify.orders", ORDERS, range(4, 9))

    def compacted() -> list[MaintenanceSucceeded]:
        events = told(platform, MAINTENANCE, MaintenanceSucceeded, ORDERS)
        return [each for each in events if each.job == "compact" and each.status == "succeeded"]

    first = until(compacted, "a compaction is told of")[0]
    assert (first.cause, first.command_id) == ("policy", None)
    assert first.files_replaced >= 5
    assert first.files_written == 1
    assert first.snapshot_id is not None

    assert ids(platform, ORDERS) == list(range(9))
    old = scan(table(platform, ORDERS), reading, ["_payload"])
    assert old.height == 4, "a reader that began before goes on"

    def announced() -> list[TableCommitted]:
        events = told(platform, COMMITS, TableCommitted, ORDERS)
        return [each for each in events if each.writer == "maintainer"]

    until(announced, "the commit is announced by the table's owner")
    numbers = [each.sequence_number for each in told(platform, COMMITS, TableCommitted, ORDERS)]
    assert numbers == sorted(set(numbers)), "in order, each once"
    assert {each.operation for each in announced()} == {"replace"}


def test_a_command_compacts_what_is_not_due_and_tells_how_it_ended(
    platform: EmbeddedPlatform,
) -> None:
    commit(platform, "stripe.charges", CHARGES, range(3))
    files = data_files(platform, CHARGES)
    assert files == 3

    code, planned, _ = desk(platform, "maintain", "plan", CHARGES)
    assert code == 0
    [shown] = planned["tables"]
    assert (shown["data_files"], shown["small_files"]) == (3, 3)
    assert not any(job["due"] for job in shown["jobs"])

    code, dry, _ = desk(platform, "compact", CHARGES, "--dry-run")
    assert (code, dry["dry_run"]) == (0, True)
    assert dry["jobs"][0]["status"] == "dry_run"
    assert data_files(platform, CHARGES) == files

    code, done, shown = desk(platform, "compact", CHARGES, "--wait")
    assert code == 0, shown
    assert done["maintained"] == [CHARGES]
    [job] = done["jobs"]
    assert (job["status"], job["cause"]) == ("succeeded", "command")
    assert (job["before"]["data_files"], job["after"]["data_files"]) == (3, 1)
    assert data_files(platform, CHARGES) == 1
    assert ids(platform, CHARGES) == [0, 1, 2]


def test_a_table_with_a_lost_file_fails_and_others_are_maintained(
    platform: EmbeddedPlatform,
) -> None:
    commit(platform, "shopify.customers", CUSTOMERS, range(3))
    commit(platform, "shopify.products", PRODUCTS, range(3))
    broken = table(platform, CUSTOMERS)
    head = state(platform, CUSTOMERS).current_snapshot()
    assert head is not None
    lost = next(iter(live_files(broken, head).data))
    broken.io.delete(lost)

    code, done, shown = desk(platform, "compact", "raw", "--wait")
    assert code == 6, shown
    assert done["failed"] == [CUSTOMERS]
    assert {PRODUCTS, ORDERS, CHARGES} <= set(done["maintained"])
    assert data_files(platform, PRODUCTS) == 1
    failures = told(platform, MAINTENANCE, MaintenanceFailed, CUSTOMERS)
    [failure] = [each for each in failures if each.cause == "command"]
    assert not failure.will_retry
    assert lost.rsplit("/", 1)[-1] in failure.error
    assert data_files(platform, CUSTOMERS) == 3, "it is as it was"


def test_expiry_by_command_leaves_what_a_reader_may_still_plan_on(
    platform: EmbeddedPlatform,
) -> None:
    before = state(platform, CHARGES)
    arguments = ("expire", CHARGES, "--retention-days", "0", "--retain-last", "1")
    code, dry, _ = desk(platform, *arguments, "--dry-run")
    assert code == 0
    assert dry["jobs"][0]["status"] == "skipped"

    code, done, shown = desk(platform, *arguments, "--remove-orphans", "--wait")
    assert code == 0, shown
    assert done["jobs"][0]["status"] == "skipped"
    assert [job["job"] for job in done["jobs"]] == ["expire", "orphans"]
    assert done["jobs"][0]["reason"]
    assert done["jobs"][0]["before"]["snapshots"] == len(before.snapshots)
    assert state(platform, CHARGES).snapshots == before.snapshots


def test_orphans_by_command_go_and_live_files_stay(platform: EmbeddedPlatform) -> None:
    found = table(platform, CHARGES)
    orphan = f"{found.location()}/data/left-behind.parquet"
    with found.io.new_output(orphan).create() as file:
        file.write(b"nobody names this")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    arguments = ("orphans", CHARGES, "--older-than", later, "--allow-young", "--wait")
    code, refused, _ = desk(platform, *arguments)
    assert code == 2, "every file is older than the future"

    now = datetime.now(UTC).isoformat()
    code, refused, _ = desk(platform, "orphans", CHARGES, "--older-than", now, "--wait")
    assert code == 6, "files younger than a day may be about to be committed"
    assert refused["failed"] == [CHARGES]
    assert found.io.new_input(orphan).exists()

    arguments = ("orphans", CHARGES, "--older-than", now, "--allow-young", "--wait")
    code, done, shown = desk(platform, *arguments)
    assert code == 0, shown
    [job] = done["jobs"]
    assert job["files_deleted"] >= 1
    assert not found.io.new_input(orphan).exists()
    assert ids(platform, CHARGES) == [0, 1, 2]


def test_manifests_and_restamp_by_command_tell_what_they_found(
    platform: EmbeddedPlatform,
) -> None:
    code, dry, _ = desk(platform, "maintain", "manifests", CHARGES, "--dry-run")
    assert code == 0
    code, done, shown = desk(platform, "maintain", "manifests", CHARGES, "--wait")
    assert code == 0, shown
    [foretold], [job] = dry["jobs"], done["jobs"]
    assert job["cause"] == "command"
    assert job["before"]["manifests"] == foretold["before"]["manifests"] > 0
    assert job["after"]["manifests"] == foretold["after"]["manifests"]

    code, done, shown = desk(platform, "maintain", "restamp", "raw", "--wait")
    assert code == 0, shown
    assert CHARGES in done["maintained"]
    assert {job["job"] for job in done["jobs"]} == {"restamp"}
    assert {job["reason"] for job in done["jobs"]} == {"the head is one of ours"}
    assert ids(platform, CHARGES) == [0, 1, 2]


def test_one_maintainer_checks_the_entity_index_and_says_that_there_is_none_yet(
    platform: EmbeddedPlatform,
) -> None:
    code, shown, _ = desk(platform, "quality", "--wait")
    assert code == 4, shown
    assert f"there is no {INDEX}" in shown["error"]["what"]
    assert "not staged yet: shopify_customers, hubspot_contacts" in shown["error"]["what"]

    events = told(platform, MAINTENANCE, MaintenanceSucceeded, INDEX)
    assert {(each.job, each.status) for each in events} == {("quality", "skipped")}
    causes = Counter(each.cause for each in events)
    assert causes["command"] == 1
    assert causes["timer"] <= 1, "of two workers one does it, once a day"
    for replica in (0, 1):
        assert "entity_resolution" not in exposed(platform, replica), "no made-up figure"

    code, _, shown = desk(platform, "quality")
    assert code == 4, shown


def test_waiting_where_no_maintainer_runs_is_an_error_at_once(platform: EmbeddedPlatform) -> None:
    code, shown, _ = desk(platform, "compact", CHARGES, "--wait", BERGLINE_ENV="nobody")
    assert code == 3
    assert "no maintainer runs" in shown["error"]["what"]


def test_another_maintainer_takes_over_from_one_that_was_killed(
    platform: EmbeddedPlatform,
) -> None:
    replica = 0 if ORDERS in owned(platform, 0) else 1
    started = datetime.now(UTC)
    killed = platform.kill("maintainer", replica)
    before = len(ids(platform, ORDERS))
    commit(platform, "shopify.orders", ORDERS, range(before, before + 6))

    def taken_over() -> list[MaintenanceSucceeded]:
        events = told(platform, MAINTENANCE, MaintenanceSucceeded, ORDERS)
        return [each for each in events if each.job == "compact" and each.succeeded_at > started]

    event = until(taken_over, "the table of the killed worker is compacted")[0]
    assert event.worker != f"maintainer/{killed}"
    platform.wait_replaced("maintainer", replica, old=killed)
    assert ids(platform, ORDERS) == list(range(before + 6))
