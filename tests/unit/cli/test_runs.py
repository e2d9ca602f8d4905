"""Runs and refreshes as they are shown."""

import json
from datetime import date, timedelta

import pytest

from shared.cli import runs
from shared.cli.chosen import targets
from shared.cli.spans import days, span
from shared.cli.wave_words import shortened, told_by, wave_json
from shared.contracts.days import Days
from shared.runtime.errors import ConfigurationError, NotFound, Refused
from shared.runtime.waves import builds_of, waves
from tests.unit.runtime.test_waves import BUILDS, FIRST, TABLES, commit, failed, started, succeeded
from tests.unit.transformer.test_handlers import DATED


def test_a_wave_for_programs_tells_seconds_tables_and_builds() -> None:
    commits = [
        commit("raw.orders", 1, 0, 10),
        commit("staging.orders", 1, 1.4, 10),
        commit("core.orders", 1, 2.4, 10),
    ]
    [wave] = waves(commits, builds_of(BUILDS), TABLES)
    body = json.loads(json.dumps(wave_json(wave)))
    assert (body["wave"], body["outcome"], body["seconds"]) == (FIRST, "done", 2.4)
    assert body["targets"] == ["staging.orders", "core.orders"]
    assert [each["seconds"] for each in body["builds"]] == [0.5, 0.5]
    assert body["held"]["core.orders"] == "2026-01-02T03:04:02.400000Z"


def test_a_wave_that_no_commit_began_is_told_as_well() -> None:
    builds = [each.model_copy(update={"wave": "refresh/01a2"}) for each in BUILDS]
    [wave] = waves([], builds_of(builds), TABLES)
    body = json.loads(json.dumps(wave_json(wave)))
    assert (body["wave"], body["seconds"], body["held"]) == ("refresh/01a2", 1.5, {})


@pytest.mark.parametrize(
    ("event", "parts"),
    [
        (started("a", "core.orders", FIRST, 0, attempt=2), ["began", "attempt 2", "moved on"]),
        (succeeded("a", "core.orders", FIRST, 0), ["incremental", "0.50 s", "7 added"]),
        (failed("a", "core.orders", FIRST, 0, again=True), ["again at 2026", "out of memory"]),
        (failed("a", "core.orders", FIRST, 0, again=False), ["not tried again", "WorkerDied"]),
    ],
)
def test_an_event_is_a_sentence(event: object, parts: list[str]) -> None:
    sentence = told_by(event)  # type: ignore[arg-type]
    assert all(part in sentence for part in parts)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("1.5m", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
    ],
)
def test_spans(text: str, length: timedelta) -> None:
    assert span(text) == length


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "0s", "7 days", "1h30m"])
def test_anything_else_is_no_span(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--since"):
        span(text)


def test_what_does_not_fit_is_counted_not_hidden() -> None:
    assert shortened(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_a_table_that_does_not_exist_has_no_empty_list_of_runs() -> None:
    with pytest.raises(NotFound, match=r"'core\.order'"):
        runs.list_runs(target="core.order")


def test_days_are_dates_in_their_order() -> None:
    assert days(None, None) is None
    assert days("2026-01-01", None) == Days(date(2026, 1, 1), None)
    with pytest.raises(ConfigurationError, match="--to 'soon' is no date"):
        days("2026-01-01", "soon")
    with pytest.raises(ConfigurationError, match="holds no day"):
        days("2026-01-02", "2026-01-01")


def test_a_build_of_some_days_says_so() -> None:
    told = {"first_day": date(2026, 1, 1), "last_day": date(2026, 1, 31)}
    begun = started("a", "core.orders", "refresh/1", 0).model_copy(update=told)
    assert told_by(begun).startswith("build of days 2026-01-01 to 2026-01-31 began on")


def test_days_of_a_table_that_has_none_are_refused_by_its_name() -> None:
    with pytest.raises(Refused, match=r"of which day a row of x\.first is"):
        targets("x.first", DATED, Days(date(2026, 1, 1), None))
    found = targets("x", DATED, Days(date(2026, 1, 1), None))
    assert [spec.name for spec in found] == ["x.orders"]
