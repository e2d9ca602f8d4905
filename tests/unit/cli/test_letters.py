"""How dead letters are chosen and shown: nothing in them can steer the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from shared.cli.letter_choice import choice
from shared.cli.letter_text import (
    DUMPED_BYTES,
    hex_dump,
    letter_json,
    list_text,
    show_text,
    value_text,
)
from shared.cli.spans import moment_of
from shared.lake.dead_letters.letters import Choice, Found, Replay
from shared.runtime.errors import ConfigurationError, NotFound
from tests.unit.lake.dead_letters.test_records import AT, RECORD

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def drawn(text: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=240, highlight=False).print(text)
    return out.getvalue()


def test_a_choice_says_what_its_options_say() -> None:
    chosen = choice(["a", "b", "a"], source="shopify", reason="too_deep", since="2h", now=NOW)
    assert chosen == Choice(
        ids=("a", "b"), source="shopify", reason="too_deep", since=NOW - timedelta(hours=2)
    )
    assert chosen.told() == {
        "ids": "a, b",
        "source": "shopify",
        "reason": "too_deep",
        "since": "2026-11-24T10:00:00+00:00",
    }


def test_nothing_said_is_everything() -> None:
    assert choice().everything
    assert not choice(stage="processing").everything


@pytest.mark.parametrize(
    "options", [{"source": "shopfy"}, {"topic": "shopify.ordres"}, {"stage": "parsing"}]
)
def test_what_there_is_not_is_told_with_what_there_is(options: dict[str, str]) -> None:
    with pytest.raises(NotFound) as told:
        choice(**options)  # type: ignore[arg-type]
    assert next(iter(options.values())) in told.value.what
    assert told.value.next_step.startswith("there are: ")


def test_a_moment_is_a_span_ago_or_a_time() -> None:
    assert moment_of("90s", NOW) == NOW - timedelta(seconds=90)
    assert moment_of("2026-11-01", NOW) == datetime(2026, 11, 1, tzinfo=UTC)
    assert moment_of("2026-11-01T01:00+01:00", NOW) == datetime(2026, 11, 1, tzinfo=UTC)
    for nonsense in ("yesterday", "0h", "99999999999d"):
        with pytest.raises(ConfigurationError, match="--since"):
            moment_of(nonsense, NOW)


def test_the_list_tells_reasons_replays_and_what_has_not_landed() -> None:
    replayed = replace(RECORD, replay=Replay(1, AT, "ada", "shopify.orders/2/99"))
    found = Found((replayed,), 12, 7, {"invalid_json": 11, "too_deep": 1})
    text = drawn(list_text(found, 3, NOW))
    assert "as shopify.orders/2/99" in text
    assert "12 dead letters: 11 invalid_json, 1 too_deep" in text
    assert "the newest 1 are shown" in text
    assert "3 more records are on their topic, not landed yet" in text


def test_bytes_are_text_where_they_are_and_digits_elsewhere() -> None:
    assert '{"id": 17' in drawn(value_text(b'{"id": 17'))
    dumped = drawn(value_text(b"\xff\x00abc"))
    assert "5 bytes, not UTF-8:" in dumped
    assert "00000000  ff 00 61 62 63" in dumped
    assert dumped.rstrip().endswith("..abc")


def test_long_bytes_are_cut_and_said_to_be() -> None:
    text = drawn(value_text(b"z" * (DUMPED_BYTES + 1)))
    assert "the beginning; --raw writes all" in text
    assert text.count("z") == DUMPED_BYTES


def test_nothing_in_a_letter_steers_the_terminal() -> None:
    hostile = replace(
        RECORD,
        detail="[red]\x1b[2J",
        headers={"ce_id": "\x1b]0;title\x07"},
        record_key=b"\x1b[1m",
        value=b"[bold]\x1b[31m",
    )
    text = drawn(show_text(hostile))
    assert "\x1b" not in text
    assert "[red]" in text
    assert "[bold]" in text


def test_json_has_the_bytes_only_where_one_is_shown() -> None:
    assert "value" not in letter_json(RECORD)
    shown = letter_json(RECORD, value=True)
    assert shown["value"] == "eyJpZCI6IDE3"
    assert shown["record_key"] == "MTc="


def test_hex_lines_hold_sixteen_bytes() -> None:
    lines = hex_dump(bytes(range(17))).splitlines()
    assert [line[:8] for line in lines] == ["00000000", "00000010"]
