"""Dead letters from a bad record to its corrected row, as an operator goes about them.

Kills of stream_writer between announcement and commit, and of the command between sending and
recording, repeat nothing unmarked.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.dead_letters import DeadLetter
from shared.contracts.envelope import Envelope
from shared.contracts.identity import uuid7
from shared.contracts.topics import DEAD_LETTERS
from shared.lake.dead_letters.finding import find
from shared.lake.dead_letters.letters import Choice
from shared.lake.dead_letters.outcomes import not_landed
from shared.lake.dead_letters.records import sendings
from shared.lake.query import query, tables_named
from shared.lake.reader import LakeReader
from shared.runtime import bus
from shared.runtime.log_bounds import log_bounds
from shared.runtime.resending import resend
from tests.support.letters import FAILED, request
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import state
from tests.support.transformer import until
from tests.support.warm_bergline import ERRORS, bergline, module

ORDERS = "shopify.orders"


class Operator:
    """``bergline`` pointed at one platform, and what is asked of its tables."""

    def __init__(self, platform: EmbeddedPlatform) -> None:
        self.platform = platform
        self.settings = platform.settings
        self._lake = LakeReader(platform.settings)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.platform.variables}

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        return bergline(("dlq", *arguments), self.environment, stdin=stdin)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The one JSON object that a command prints."""
        ended = self.run(*arguments, "--output", "json")
        assert ended.returncode == code, ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with query(self._lake, statement, parameters=parameters) as result:
            return list(result.rows())

    def until(self, count: int, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Its rows, once there are so many; asked again when the tables have changed."""
        seen: list[int | None] = []

        def enough() -> list[tuple[Any, ...]] | None:
            heads = [state(self.platform, name).head_id() for name in tables_named(statement)]
            if heads == seen:
                return None
            seen[:] = heads
            return found if len(found := self.sql(statement, *parameters)) >= count else None

        rows: list[tuple[Any, ...]] = until(enough, f"{count} rows of {statement}")
        return rows

    @property
    def not_landed(self) -> int:
        """How many announcements the table of dead letters has not consumed."""
        return asyncio.run(not_landed(self.settings, self._lake))

    def ends(self, topic: str) -> int:
        """How many records a topic holds."""
        bounds = asyncio.run(log_bounds(self.settings, [topic]))
        return sum(log.end for log in bounds.values())

    def bad(self, value: bytes, event_id: str) -> str:
        """Put a bad order on its topic; the id of the dead letter that comes of it."""
        headers = Envelope(
            id=event_id, type="orders/create", source="shopify", delivery_id=uuid7()
        ).headers()
        offset = asyncio.run(self._produce(value, headers))
        return f"{ORDERS}/0/{offset}"

    async def _produce(self, value: bytes, headers: list[tuple[str, bytes]]) -> int:
        producer = bus.producer(self.settings, "test")
        await producer.start()
        try:
            sent = await producer.send_and_wait(
                ORDERS, value=value, key=b"17", partition=0, headers=headers
            )
            return int(sent.offset)
        finally:
            await producer.stop()

    def announce(self, letter: DeadLetter) -> None:
        """Put a dead letter on its topic."""

        async def send() -> None:
            producer = bus.producer(self.settings, "test")
            await producer.start()
            try:
                await bus.publish(producer, self.settings, DEAD_LETTERS, letter)
            finally:
                await producer.stop()

        asyncio.run(send())

    def letters(self, id_: str, count: int = 1) -> list[tuple[Any, ...]]:
        return self.until(
            count,
            'select _event_id, "value", origin from metadata.dead_letters where _event_id = ?',
            id_,
        )


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    embedded = EmbeddedPlatform(
        tmp_path_factory.mktemp("letters"),
        replicas={"transformer": 0, "maintainer": 0, "alerter": 0, "ingest": 0},
        environment={"BERGLINE_STREAM_WRITER_MAX_AGE_S": "0.2"},
    )
    try:
        embedded.start()
        yield Operator(embedded)
    finally:
        embedded.close()


def test_a_kill_between_announcement_and_commit_leaves_one_row(operator: Operator) -> None:
    """The storage stands still, so what was announced cannot be committed."""
    platform = operator.platform
    told = operator.ends(DEAD_LETTERS)
    platform.pause("storage")
    try:
        id_ = operator.bad(b'{"id": 1', "killed")
        until(lambda: operator.ends(DEAD_LETTERS) > told, "it was announced")
        old = platform.kill("stream_writer")
    finally:
        platform.resume("storage")
    platform.wait_replaced("stream_writer", old=old)
    announced = until(
        lambda: operator.ends(DEAD_LETTERS) - told if operator.ends(DEAD_LETTERS) > told + 1 else 0,
        "it was announced once more",
    )
    partitions = "select _partition, _offset from raw.shopify_orders where _error is not null"
    operator.until(1, partitions)
    until(lambda: not operator.not_landed, "all announcements were consumed")
    assert operator.json("list")["not_landed"] == 0
    assert announced == 2
    assert operator.letters(id_) == [(id_, b'{"id": 1', None)]
    assert len(operator.sql(partitions)) == 1


def test_a_letter_is_listed_and_shown_byte_for_byte(operator: Operator) -> None:
    id_ = operator.bad(b"\xff\x00[red]", "shown")
    operator.letters(id_)
    listed = operator.json("list", "--reason", "not_utf8", "--source", "shopify", "--since", "1h")
    assert [each["id"] for each in listed["letters"]] == [id_]
    assert listed["by_reason"] == {"not_utf8": 1}
    raw = operator.run("show", id_, "--raw").stdout
    assert raw.encode(errors=ERRORS) == b"\xff\x00[red]"
    shown = operator.json("show", id_)
    assert (shown["stage"], shown["topic"], shown["size"]) == ("processing", ORDERS, 7)
    assert shown["vendor_event_id"] == "shown"
    assert "ff 00 5b" in operator.run("show", id_).stdout


def test_what_there_is_not_is_told(operator: Operator) -> None:
    ended = operator.run("show", "shopify.orders/0/999999")
    assert ended.returncode == 4
    assert "no dead letter shopify.orders/0/999999" in ended.stderr
    assert operator.run("list", "--source", "shopfy").returncode == 4
    assert operator.run("replay").returncode == 2, "of all of them, by mistake"
    assert operator.run("purge", "--yes", "--because", "x").returncode == 2


def test_a_replay_that_is_killed_is_repeated_without_a_second_record(operator: Operator) -> None:
    id_ = operator.bad(b'{"id": 2', "again")
    operator.letters(id_)
    before = operator.ends(ORDERS)

    ended = module("tests.components.killed_replay", ("dlq", "replay", id_), operator.environment)
    assert ended.returncode == -9, ended.stdout + ended.stderr
    assert operator.ends(ORDERS) == before + 1, "it was sent"

    dry = operator.json("replay", id_, "--dry-run")
    assert [each["sent_before"] for each in dry["would_send"]] == [True]
    repeated = operator.json("replay", id_, "--because", "once more")
    assert [each["outcome"] for each in repeated["replayed"]] == ["was there"]
    operator.json("replay", id_)
    assert operator.ends(ORDERS) == before + 1, "and not again"

    rows = operator.until(
        1,
        "select _replayed, _error, _attributes, _topic || '/' || _partition || '/' || _offset "
        "from raw.shopify_orders where json_extract_string(_attributes, '$.replayedfrom') = ?",
        id_,
    )
    ((replayed, error, _, place),) = rows
    assert (replayed, error) == (False, "invalid_json")
    assert operator.letters(place) == [(place, b'{"id": 2', id_)], "a letter that names its origin"
    handled = operator.until(
        1, "select action, letter_id, reason from metadata.dead_letters_handled"
    )
    assert handled == [("replayed", id_, "once more")], "once, however often it was told"
    (listed,) = [each for each in operator.json("list")["letters"] if each["id"] == id_]
    assert listed["last_replay"]["record"] == place


def test_two_replays_at_once_are_a_row_and_a_marked_one(operator: Operator) -> None:
    id_ = operator.bad(b'{"id": 3', "twice")
    operator.letters(id_)
    found = find(LakeReader(operator.settings), Choice(ids=(id_,)), limit=1, values=True)
    both = sendings(found.letters[0], {ORDERS: (0, 1, 2)}) * 2
    asyncio.run(resend(operator.settings, both, {}, actor="ada", reason=""))
    rows = operator.until(
        2,
        "select _replayed from raw.shopify_orders "
        "where json_extract_string(_attributes, '$.replayedfrom') = ? order by _offset",
        id_,
    )
    assert rows == [(False,), (True,)]


def test_corrected_bytes_become_a_good_row_that_keeps_its_link(
    operator: Operator, tmp_path: Path
) -> None:
    id_ = operator.bad(b'{"id": 4', "corrected")
    operator.letters(id_)
    file = tmp_path / "order.json"
    file.write_bytes(b'{"id": 4, "email": "ada@example.com"}')
    told = operator.json("replay", id_, "--with", str(file), "--wait")
    assert [(each["edited"], each["error"]) for each in told["replayed"]] == [(True, None)]
    assert operator.sql(
        "select id, email, _event_id, _replayed from raw.shopify_orders "
        "where json_extract_string(_attributes, '$.replayedfrom') = ?",
        id_,
    ) == [(4, "ada@example.com", "corrected", False)]


def test_a_replay_that_fails_again_ends_with_6(operator: Operator) -> None:
    id_ = operator.bad(b'{"id": 5', "fails again")
    operator.letters(id_)
    told = operator.json("replay", id_, "--wait", code=6)
    (each,) = told["replayed"]
    assert each["error"] == "invalid_json"
    assert operator.letters(each["record"])[0][2] == id_


def test_a_refused_request_is_sent_once_it_can_be_read(operator: Operator) -> None:
    letter = request(1).model_copy(update={"value": b'{"id":"evt_9","data":{}}'})
    operator.announce(letter)
    operator.letters(letter.event_id())
    refused = operator.run("replay", letter.event_id())
    assert refused.returncode == 5
    assert "still is: Event has no data.object" in refused.stderr
    corrected = (
        b'{"id":"evt_9","object":"event","type":"charge.succeeded","created":1764000000,'
        b'"data":{"object":{"id":"ch_9","object":"charge"}}}'
    )
    ended = operator.run("replay", letter.event_id(), "--with", "-", "--wait", stdin=corrected)
    assert ended.returncode == 0, ended.stderr
    assert operator.sql(
        "select _event_id, _event_type, _key, _received_at from raw.stripe_charges"
    ) == [("evt_9", "charge.succeeded", "ch_9", FAILED.replace(second=7))]


def test_a_purge_asks_removes_and_keeps_who_and_why(operator: Operator) -> None:
    chosen = ("--reason", "not_utf8")
    before = operator.json("list")["total"]
    assert operator.json("purge", *chosen, "--dry-run")["total"] == 1
    assert operator.run("purge", *chosen, "--because", "a test").returncode == 5, "nobody said yes"
    assert operator.run("purge", *chosen, "--yes").returncode == 5, "nobody said why"
    assert operator.json("list")["total"] == before
    done = operator.json("purge", *chosen, "--because", "a test", "--yes")
    assert done["purged"] == 1
    assert operator.json("list")["total"] == before - 1
    handled = operator.until(
        1,
        "select letters, reason, chosen_by, actor <> '' from metadata.dead_letters_handled "
        "where action = 'purged'",
    )
    assert handled == [(1, "a test", '{"reason":"not_utf8"}', True)]


def test_the_books_balance_in_the_end(operator: Operator) -> None:
    ended = bergline(("counts", "--output", "json"), operator.environment)
    assert ended.returncode == 0, ended.stdout
    tables = {each["table"]: each["partitions"] for each in json.loads(ended.stdout)["tables"]}
    counted = [each["counted"] for each in tables["raw.shopify_orders"]]
    assert sum(each["from_dead_letters"] for each in counted) == 5
    assert sum(each["replayed"] for each in counted) == 1
    (letters,) = tables["metadata.dead_letters"]
    assert letters["stretches"][-1]["gaps"] == 2, "an announcement too many, and the purge"
