"""Files, totals and deletes of a snapshot, and everything that may be wrong with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyiceberg.manifest import DataFile, ManifestContent

from shared.lake.checking.deletes import check_deletes
from shared.lake.checking.files import check_existence, check_totals
from shared.lake.checking.findings import Check, Verdict
from shared.lake.reading.live_files import LiveFiles, live_files
from tests.support.foreign_snapshots import delete_file, entries, snapshot
from tests.support.lake import Lake, rows


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """Two files of ten rows."""
    for partition in (0, 1):
        lake.table.append(rows(lake.spec, partition, range(10)))
    return lake


def files(lake: Lake) -> LiveFiles:
    return live_files(lake.table, lake.head)


def data(lake: Lake) -> list[DataFile]:
    return [each.data_file for each in entries(lake.table, ManifestContent.DATA)]


def on_disk(file: DataFile) -> Path:
    return Path(file.file_path.removeprefix("file://"))


def told(check: Check) -> Iterator[str]:
    for finding in check.findings:
        yield f"{finding.verdict}: {finding.what}"


def delete(lake: Lake, file: DataFile, *positions: int, number: int | None = None) -> None:
    """Another engine deletes these rows, in a snapshot of their own."""
    deleting = delete_file(lake.table, {file.file_path: positions}, file)
    snapshot(lake.table, added=[(deleting, number)])


def deletes(lake: Lake) -> tuple[Check, int]:
    return check_deletes(lake.table.io, files(lake))


def test_a_sound_table_has_no_findings(filled: Lake) -> None:
    totals = check_totals(filled.head.summary, files(filled))
    assert (totals.verdict, totals.looked_at) == (Verdict.OK, "5 totals, 20 rows")
    delete(filled, data(filled)[0], 3, 4)
    assert check_existence(filled.table.io, files(filled)).verdict is Verdict.OK
    check, deleted = deletes(filled)
    assert (check.verdict, deleted) == (Verdict.OK, 2)
    assert check.looked_at == "2 positions in 1 files"


def test_a_table_without_deletes_has_nothing_to_be_wrong(filled: Lake) -> None:
    check, deleted = deletes(filled)
    assert (check.verdict, deleted, check.looked_at) == (Verdict.OK, 0, "0 positions in 0 files")


def test_a_file_that_is_gone_is_named(filled: Lake) -> None:
    [first, _] = data(filled)
    on_disk(first).unlink()
    [what] = told(check_existence(filled.table.io, files(filled)))
    assert what == f"wrong: 1 files are missing in the store: {first.file_path}"


def test_a_file_of_another_size_is_named(filled: Lake) -> None:
    [first, _] = data(filled)
    stated = first.file_size_in_bytes
    on_disk(first).write_bytes(on_disk(first).read_bytes()[:-1])
    [what] = told(check_existence(filled.table.io, files(filled)))
    assert f"{first.file_path} ({stated} stated, {stated - 1} there)" in what


def test_totals_that_do_not_add_up_are_told(filled: Lake) -> None:
    summary = {**filled.head.summary, "total-records": "21"}
    [what] = told(check_totals(summary, files(filled)))
    assert what == "wrong: total-records is stated as 21, the files add up to 20"


def test_a_snapshot_that_states_no_totals_is_not_blamed(filled: Lake) -> None:
    assert check_totals({"operation": "append"}, files(filled)).looked_at == "0 totals, 20 rows"


def test_a_position_deleted_twice_is_wrong(filled: Lake) -> None:
    [first, _] = data(filled)
    delete(filled, first, 3)
    delete(filled, first, 3, 4)
    [what] = told(deletes(filled)[0])
    assert what == f"wrong: 1 positions are deleted more than once: {first.file_path}:3"


def test_a_position_that_the_file_does_not_have_is_wrong(filled: Lake) -> None:
    [first, _] = data(filled)
    delete(filled, first, 9, 10)
    [what] = told(deletes(filled)[0])
    assert f"{first.file_path}:10 of 10 rows" in what


def test_a_delete_of_a_file_that_is_gone_is_a_warning_and_takes_no_row(filled: Lake) -> None:
    [first, second] = data(filled)
    deleting = delete_file(
        filled.table, {first.file_path: [1, 2], second.file_path: [5]}, second, bounds=False
    )
    snapshot(filled.table, added=[(deleting, None)])
    snapshot(filled.table, dropped=[first.file_path])
    check, deleted = deletes(filled)
    [what] = told(check)
    assert what == f"warning: 2 positions name 1 files that are not live: {first.file_path}"
    assert deleted == 1


def test_a_delete_older_than_the_file_is_a_warning_and_takes_no_row(filled: Lake) -> None:
    newest = max(files(filled).data.values(), key=lambda each: each.sequence_number)
    delete(filled, newest.file, 1, 2, number=newest.sequence_number - 1)
    check, deleted = deletes(filled)
    [what] = told(check)
    assert what == (
        f"warning: positions of files that are younger delete nothing: {newest.file.file_path}"
    )
    assert deleted == 0
