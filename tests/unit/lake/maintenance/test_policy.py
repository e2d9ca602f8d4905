"""When a table is maintained, read as a specification."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from shared.lake.maintenance.asked import Kept
from shared.lake.maintenance.grouping import Choice, choose
from shared.lake.maintenance.policy import (
    Job,
    MaintenancePolicy,
    Proposal,
    expiring,
    proposals,
    with_properties,
)
from shared.lake.maintenance.shape import FileShape, PartitionShape, TableShape
from shared.lake.table_state import RefEntry, SnapshotEntry, TableState
from shared.runtime.errors import ConfigurationError

NOW_MS = 10_000_000_000
DAY_MS = 86_400_000
MB = 2**20
POLICY = MaintenancePolicy()


def files(*sizes: int, deleted: int = 0, lowers: Sequence[int] = ()) -> tuple[FileShape, ...]:
    """Of so many bytes, each of a thousand rows."""
    return tuple(
        FileShape(f"file-{n:05}", size, 1000, deleted, n, lowers[n] if lowers else None)
        for n, size in enumerate(sizes)
    )


def partition(
    own: Sequence[FileShape], quiet_s: float = 10_000, delete_files: int = 0, *, zero: bool = False
) -> PartitionShape:
    return PartitionShape(
        0, "day=2026-01-01", zero, tuple(own), delete_files, 0, NOW_MS - int(quiet_s * 1000)
    )


def chosen(found: Choice) -> list[list[str]]:
    return [[file.path for file in group.files] for group in found.groups]


@pytest.mark.parametrize(("quiet_s", "least"), [(10_000.0, 20), (5.0, 60)])
def test_delete_files_beside_what_stays_become_one_when_they_are_many(
    quiet_s: float, least: int
) -> None:
    whole = [FileShape("large", 128 * MB, 1_000_000, deleted=20)]
    few = choose(partition(whole, quiet_s, least - 1), MaintenancePolicy(), NOW_MS)
    assert chosen(few) == []
    many = choose(partition(whole, quiet_s, least), MaintenancePolicy(), NOW_MS)
    assert chosen(many) == [[]]
    assert many.reason.startswith(f"{least} delete files")


def history(*days_ago: float) -> TableState:
    """Versions one on top of the other, committed so long ago, the oldest first."""
    return TableState(
        table_uuid="t",
        location="s3://t",
        current_snapshot_id=len(days_ago) or None,
        refs={"main": RefEntry(snapshot_id=len(days_ago), type="branch")} if days_ago else {},
        snapshots=tuple(
            SnapshotEntry(
                snapshot_id=number,
                timestamp_ms=NOW_MS - int(ago * DAY_MS),
                sequence_number=number,
                parent_snapshot_id=number - 1 or None,
                summary={"operation": "append", "bergline.format": "1"},
            )
            for number, ago in enumerate(days_ago, start=1)
        ),
    )


NOTHING = TableShape("t", None, ())


def due(shape: TableShape, *days_ago: float) -> dict[Job, Proposal]:
    found = proposals(shape, history(*days_ago), POLICY, NOW_MS)
    return {each.job: each for each in found if each.due}


def test_five_small_files_of_a_quiet_partition_become_one() -> None:
    (group,) = choose(partition(files(*5 * [MB])), POLICY, NOW_MS).groups
    assert (len(group.files), group.after) == (5, 1)


def test_four_are_left_alone_unless_somebody_insists() -> None:
    four = partition(files(*4 * [MB]))
    assert not choose(four, POLICY, NOW_MS).groups
    assert choose(four, POLICY, NOW_MS, force=True).groups


def test_files_of_three_quarters_of_the_target_are_no_small_ones() -> None:
    assert not choose(partition(files(*20 * [96 * MB])), POLICY, NOW_MS).groups
    assert choose(partition(files(*20 * [20 * MB])), POLICY, NOW_MS).groups


def test_benefit_is_what_a_reader_is_spared_and_cost_what_is_read_and_written() -> None:
    own = (*files(*5 * [MB]),)
    (group,) = choose(partition(own), POLICY, NOW_MS).groups
    assert group.benefit == 4 * 4 * MB  # four files less to open
    assert group.cost == 10 * MB


def test_rows_read_in_vain_and_delete_files_are_benefit_too() -> None:
    own = files(100 * MB, deleted=200)
    (group,) = choose(partition(own, delete_files=3), POLICY, NOW_MS).groups
    assert group.benefit == 20 * MB + 3 * 4 * MB
    assert group.cost == (100 + 80) * MB


def test_delete_files_are_no_benefit_as_long_as_a_file_that_stays_has_lost_rows() -> None:
    lost, barely = files(100 * MB, 100 * MB, deleted=200)
    barely = FileShape(barely.path, barely.size, 1000, 1, 1)
    (group,) = choose(partition([lost, barely], delete_files=3), POLICY, NOW_MS).groups
    assert [file.path for file in group.files] == [lost.path]
    assert group.benefit == 20 * MB


def test_what_brings_too_little_for_its_cost_is_left() -> None:
    found = choose(partition(files(*5 * [90 * MB])), POLICY, NOW_MS)
    assert not found.groups  # one file less for 900 MB of work
    assert "too little" in found.reason


def test_a_file_that_lost_a_tenth_of_its_rows_is_written_anew_whatever_its_size() -> None:
    assert chosen(choose(partition(files(120 * MB, deleted=100)), POLICY, NOW_MS)) == [
        ["file-00000"]
    ]
    assert not choose(partition(files(120 * MB, deleted=99)), POLICY, NOW_MS).groups


def test_a_hot_partition_is_left_alone_for_two_minutes() -> None:
    own = files(*59 * [MB])
    found = choose(partition(own, quiet_s=119), POLICY, NOW_MS)
    assert not found.groups
    assert "119 s ago" in found.reason
    assert choose(partition(own, quiet_s=120), POLICY, NOW_MS).groups
    assert choose(partition(own, quiet_s=0), POLICY, NOW_MS, force=True).groups


def test_unless_it_has_sixty_small_files() -> None:
    (group,) = choose(partition(files(*60 * [MB]), quiet_s=0), POLICY, NOW_MS).groups
    assert len(group.files) == 60


def test_then_a_file_that_is_large_beside_the_others_does_not_join_them_each_time() -> None:
    own = files(*60 * [50_000], 50 * MB)
    (group,) = choose(partition(own, quiet_s=0), POLICY, NOW_MS).groups
    assert len(group.files) == 60
    (group,) = choose(partition(own), POLICY, NOW_MS).groups
    assert len(group.files) == 61  # at rest all become one


def test_a_row_of_a_busy_partition_is_written_some_ten_times_until_its_file_is_full() -> None:
    """By sixty files a time, each of 50 kB, all together each time, it would be 33 times."""
    own: list[FileShape] = []
    number = written = landed = 0
    chance = random.Random(1)
    while landed < 128 * MB:
        size = chance.randint(40_000, 60_000)
        landed += size
        own.append(FileShape(f"{number}", size, 100, 0, number))
        number += 1
        for group in choose(partition(own, quiet_s=0), POLICY, NOW_MS).groups:
            gone = {file.path for file in group.files}
            size = sum(file.size for file in group.files)
            written += size
            own = [file for file in own if file.path not in gone]
            own.append(FileShape(f"{number}-made", size, 100, 0, number))
    assert written / landed < 10
    assert len(own) < 2 * POLICY.many_files


def test_a_hot_partition_may_lose_three_tenths_of_a_files_rows() -> None:
    assert not choose(partition(files(MB, deleted=299), quiet_s=0), POLICY, NOW_MS).groups
    assert choose(partition(files(MB, deleted=300), quiet_s=0), POLICY, NOW_MS).groups


def test_level_0_is_left_to_folding() -> None:
    assert not choose(partition(files(*50 * [MB]), zero=True), POLICY, NOW_MS, force=True).groups


def test_a_group_holds_four_full_files_at_most_and_neighbours_only() -> None:
    order = list(range(100))
    random.Random(2).shuffle(order)
    found = choose(partition(files(*100 * [20 * MB], lowers=order)), POLICY, NOW_MS)
    assert len(found.groups) == 4
    ranges = []
    for group in found.groups:
        assert sum(file.size for file in group.files) <= 512 * MB
        lowers = [file.lower for file in group.files]
        assert lowers == sorted(lowers)
        ranges.append((lowers[0], lowers[-1]))
    assert all(one[1] < other[0] for one, other in pairwise(ranges))


def test_what_is_compacted_is_not_due_again() -> None:
    found = choose(partition(files(*100 * [20 * MB])), POLICY, NOW_MS)
    after = files(*(128 * MB for group in found.groups for _ in range(group.after)))
    assert not choose(partition(after), POLICY, NOW_MS, force=True).groups


def test_the_best_paid_is_proposed_first() -> None:
    shape = TableShape(
        "raw.log",
        1,
        (partition(files(*10 * [30 * MB])), partition(files(*10 * [MB])), partition(files(MB))),
    )
    found = proposals(shape, history(), POLICY, NOW_MS)
    found = [each for each in found if each.job is Job.COMPACT]
    assert [(each.due, each.bytes) for each in found] == [
        (True, 10 * MB),
        (True, 300 * MB),
        (False, 0),
    ]


def test_snapshots_expire_by_age_but_for_the_last_three() -> None:
    assert Job.EXPIRE not in due(NOTHING, 9, 8.5, 8)
    found = due(NOTHING, 9.5, 9, 8.5, 8)[Job.EXPIRE]
    assert found.reason == "1 of 4 snapshots were superseded for more than 7 days"
    assert Job.EXPIRE not in due(NOTHING, *50 * (6,))


def test_age_counts_from_when_a_snapshot_was_superseded() -> None:
    """A table that was quiet for days: what everybody read until yesterday is a day old."""
    assert Job.EXPIRE not in due(NOTHING, 9, 1, 0.5, 0.25)
    assert due(NOTHING, 10, 9, 1, 0.5, 0.25)[Job.EXPIRE].reason.startswith("1 of 5")


def test_what_a_reader_has_recorded_is_not_foretold_to_go() -> None:
    """An hour ago a reader's snapshot was superseded, and the policy would keep it for less."""
    state = history(2 / 24, 1 / 24, 0.5 / 24)
    policy = MaintenancePolicy(retention_days=0.01, retain_last=1)
    assert expiring(state, policy, NOW_MS) == 2
    assert expiring(state, policy, NOW_MS, Kept(pinned={1})) == 0, "nor the one on top of it"
    assert expiring(state, policy, NOW_MS, Kept(announced=2)) == 2
    assert expiring(state, policy, NOW_MS, Kept(announced=1)) == 1


def test_more_than_a_hundred_manifests_of_a_kind_are_too_many() -> None:
    assert Job.MANIFESTS in due(TableShape("t", 1, (), data_manifests=101))
    assert Job.MANIFESTS in due(TableShape("t", 1, (), delete_manifests=101))
    assert Job.MANIFESTS not in due(
        TableShape("t", 1, (), data_manifests=100, delete_manifests=100)
    )


def test_a_head_of_somebody_else_is_stamped_again() -> None:
    assert Job.RESTAMP in due(TableShape("t", 1, (), foreign_head=1))
    assert not due(TableShape("t", 1, ()))


def test_a_tables_own_properties_win_over_settings() -> None:
    found = with_properties(
        POLICY,
        {
            "write.target-file-size-bytes": "1000",
            "history.expire.max-snapshot-age-ms": str(2 * DAY_MS),
            "history.expire.min-snapshots-to-keep": "9",
            "commit.manifest.min-count-to-merge": "40",
            "read.split.open-file-cost": "7",
            "somebody.elses": "x",
        },
    )
    assert (found.target_bytes, found.retention_days, found.retain_last) == (1000, 2.0, 9)
    assert (found.many_manifests, found.open_file_bytes) == (40, 7)
    assert found.small_bytes == 750


def test_fewer_than_one_snapshot_cannot_be_kept() -> None:
    with capture_logs() as logs:
        found = with_properties(POLICY, {"history.expire.min-snapshots-to-keep": "0"})
    assert found.retain_last == 1
    assert [each["log_level"] for each in logs] == ["warning"]


@pytest.mark.parametrize("value", ["128MB", "", "-1", "0", "1.5"])
def test_a_property_that_cannot_be_read_is_an_error_that_names_it(value: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        with_properties(POLICY, {"write.target-file-size-bytes": value})
    assert "write.target-file-size-bytes" in error.value.what
    assert repr(value) in error.value.what
