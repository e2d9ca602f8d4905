"""Commands of maintenance as a script sees them: exit codes, JSON, errors that help at night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shared.cli import compact, expire, maintain, tables
from shared.cli.failed_tables import end
from shared.cli.output import Format
from shared.contracts.maintenance import Figures
from shared.lake.maintenance import maintained
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.job_result import JobResult
from shared.runtime.errors import (
    BerglineError,
    CheckFailed,
    ConfigurationError,
    NotFound,
    Refused,
    Unavailable,
)

AWAY = Unavailable("the catalog does not answer", "check that it runs")
GONE = NotFound("the catalog has no core.orders", "`bergline bootstrap` creates it")
LOST = CheckFailed("core.orders names a file that is not in the store", "`bergline verify`")
WOULD = JobResult(Status.DRY_RUN, before=Figures(manifests=120), after=Figures(manifests=3))


class Lake:
    """What the commands find: whether the catalog answers, and what a job of a table makes."""

    def __init__(self) -> None:
        self.catalog_error: BerglineError | None = None
        self.errors: dict[str, BerglineError] = {}
        self.ran: list[tuple[str, str]] = []

    @property
    def catalog(self) -> object:
        if self.catalog_error is not None:
            raise self.catalog_error
        return self

    def of(self, _reader: object, spec: Any, *_: object) -> Any:
        lake = self

        class One:
            def run(self, job: str, _asked: object, *, dry_run: bool) -> JobResult:
                assert dry_run
                lake.ran.append((spec.name, job))
                if spec.name in lake.errors:
                    raise lake.errors[spec.name]
                return WOULD

            def look(self) -> Any:
                raise lake.errors.get(spec.name, GONE)

        return One()


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Lake:
    found = Lake()
    monkeypatch.setattr("shared.lake.reader.LakeReader", lambda _: found)
    monkeypatch.setattr(maintained, "Maintained", found.of)
    monkeypatch.delenv("BERGLINE_OUTPUT", raising=False)
    return found


def run(app: Any, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments], catch_exceptions=True)


def code(ended: Result) -> int:
    """The exit code of the process: errors of ours are turned into theirs by the desk."""
    error = ended.exception
    return error.exit_code if isinstance(error, BerglineError) else ended.exit_code


@pytest.mark.parametrize(
    ("app", "arguments"),
    [
        (maintain.app, ["plan"]),
        (maintain.app, ["manifests", "--dry-run"]),
        (maintain.app, ["restamp", "--dry-run"]),
        (compact.app, ["--dry-run"]),
        (expire.app, ["--dry-run"]),
    ],
)
def test_a_catalog_that_is_away_is_one_error_and_not_one_for_each_table(
    lake: Lake, app: Any, arguments: list[str]
) -> None:
    lake.catalog_error = AWAY
    ended = run(app, *arguments)
    assert ended.exception is AWAY
    assert code(ended) == 3
    assert "looking" not in ended.output


@pytest.mark.parametrize("job", ["manifests", "restamp"])
def test_rarer_jobs_are_tried_dry_on_every_table_of_a_layer(lake: Lake, job: str) -> None:
    ended = run(maintain.app, job, "core", "--dry-run", "--output", "json")
    assert code(ended) == 0
    assert [each for _, each in lake.ran] == [job, job]
    told = json.loads(ended.stdout)
    assert told["dry_run"] is True
    assert {each["table"] for each in told["jobs"]} == {"core.orders", "core.first_orders"}
    [before, after] = [told["jobs"][0][when]["manifests"] for when in ("before", "after")]
    assert (before, after) == (120, 3)
    assert "120→3" in run(maintain.app, job, "core.orders", "--dry-run").stdout


def test_a_table_that_fails_hides_no_other_and_its_error_says_what_to_do(lake: Lake) -> None:
    lake.errors = {"core.orders": LOST}
    ended = run(compact.app, "core", "--dry-run", "--output", "json")
    assert code(ended) == 6
    told = {each["table"]: each for each in json.loads(ended.stdout)["jobs"]}
    assert told["core.first_orders"]["status"] == "dry_run"
    assert told["core.orders"]["error"] == f"{LOST.what}; {LOST.next_step}"


def test_of_one_table_the_error_is_its_own(lake: Lake) -> None:
    lake.errors = {"core.orders": GONE}
    ended = run(compact.app, "core.orders", "--dry-run")
    assert ended.exception is GONE
    assert code(ended) == 4
    ended = run(maintain.app, "plan", "core.orders", "--output", "json")
    assert code(ended) == 4
    [shown] = json.loads(ended.stdout)["tables"]
    assert shown["error"] == f"{GONE.what}; {GONE.next_step}"


def test_no_job_is_tried_behind_one_that_failed(lake: Lake) -> None:
    lake.errors = {"core.orders": LOST}
    run(expire.app, "core", "--remove-orphans", "--dry-run")
    assert sorted(lake.ran) == [
        ("core.first_orders", "expire"),
        ("core.first_orders", "orphans"),
        ("core.orders", "expire"),
    ]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([AWAY, AWAY], Unavailable),
        ([GONE, GONE], NotFound),
        ([LOST, LOST], CheckFailed),
        ([AWAY, LOST], CheckFailed),
        ([ConfigurationError("a property"), Refused("no")], CheckFailed),
    ],
)
def test_several_tables_end_with_what_they_have_in_common(
    errors: list[BerglineError], expected: type[BerglineError]
) -> None:
    failed = {f"raw.t{number}": error for number, error in enumerate(errors)}
    with pytest.raises(expected, match=r"2 of 9 tables .*: raw\.t0, raw\.t1") as raised:
        end(failed, 9, Format.TEXT)
    assert raised.value.next_step
    end({}, 9, Format.TEXT)


def test_files_of_a_table_whose_metadata_lost_one_are_no_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Reader:
        def __init__(self, _: object) -> None: ...

        def table(self, _: str) -> object:
            return object()

    def files(_: object) -> Iterator[Any]:
        raise FileNotFoundError("metadata/snap-1.avro")
        yield

    monkeypatch.setattr("shared.lake.reader.LakeReader", Reader)
    monkeypatch.setattr("shared.lake.inventory.data_files", files)
    ended = run(tables.app, "files", "core.orders")
    assert code(ended) == 6
    assert "snap-1.avro" in str(ended.exception)
    assert "bergline verify core.orders" in str(ended.exception)
