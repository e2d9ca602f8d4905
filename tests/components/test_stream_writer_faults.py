"""What stream_writer does when log or table are not what it left behind, and what it says."""

from __future__ import annotations

import asyncio
import json
import shlex
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition
from pyiceberg.table import Table

from shared.contracts.identity import uuid7
from shared.lake.catalog import open_catalog
from shared.lake.positions import MIRROR_PROPERTY
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from shared.sources.topics import TOPICS
from shared.tables.registry import table_of_topic
from tests.support.platform import EmbeddedPlatform
from tests.support.transformer import until
from tests.support.warm_bergline import bergline


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPlatform]:
    """Without maintainer: where a table is rolled back by one snapshot, that is to be one of
    stream_writer's, and what others did on top stays as they left it."""
    directory: Path = tmp_path_factory.mktemp("faults")
    embedded = EmbeddedPlatform(
        directory,
        replicas={"transformer": 0, "maintainer": 0, "alerter": 0},
        environment={
            "BERGLINE_STREAM_WRITER_MAX_AGE_S": "0.2",
            "BERGLINE_STREAM_WRITER_BAD_MINIMUM": "20",
        },
    )
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


def produce(
    platform: EmbeddedPlatform, topic: str, values: list[bytes], partition: int = 0
) -> None:
    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=platform.settings.brokers, acks="all")
        await producer.start()
        try:
            for value in values:
                headers = [("delivery_id", uuid7().encode()), ("ce_id", uuid7().encode())]
                await producer.send_and_wait(
                    topic, value=value, partition=partition, headers=headers
                )
        finally:
            await producer.stop()

    asyncio.run(send())


def objects(first: int, count: int) -> list[bytes]:
    return [json.dumps({"id": number}).encode() for number in range(first, first + count)]


async def _admin(platform: EmbeddedPlatform, act: Callable[[AIOKafkaAdminClient], Any]) -> Any:
    client = AIOKafkaAdminClient(bootstrap_servers=platform.settings.brokers)
    await client.start()
    try:
        return await act(client)
    finally:
        await client.close()


def table(platform: EmbeddedPlatform, topic: str) -> Table:
    found: Table = open_catalog(platform.settings).load_table(table_of_topic(topic).name)
    return found


def landed(platform: EmbeddedPlatform, topic: str) -> list[tuple[int, int]]:
    """(offset, id) of every row of partition 0, in order."""
    rows = table(platform, topic).scan(
        row_filter="_partition = 0", selected_fields=("_offset", "id")
    )
    return sorted((row["_offset"], row["id"]) for row in rows.to_arrow().to_pylist())


def next_offset(platform: EmbeddedPlatform, topic: str) -> int | None:
    positions = recorded(TableState.of(table(platform, topic).metadata)).positions
    return None if positions is None else positions.next_offset(topic, 0)


def until_at(platform: EmbeddedPlatform, topic: str, offset: int) -> None:
    until(
        lambda: next_offset(platform, topic) == offset,
        f"{topic}/0 recorded at {offset}",
    )


def stopped(platform: EmbeddedPlatform, topic: str) -> str | None:
    """The text with which the worker says why it does not consume partition 0."""
    with urllib.request.urlopen(platform.url("stream_writer") + "/info", timeout=5) as answer:
        streams = json.load(answer)["tables"]
    text: str | None = streams[table_of_topic(topic).name]["stopped"].get(f"{topic}/0")
    return text


def logged(platform: EmbeddedPlatform) -> list[str]:
    """Every event that the worker has logged."""
    return [json.loads(line)["event"] for line in platform.log("stream_writer").splitlines()]


def desk(platform: EmbeddedPlatform, *arguments: str) -> str:
    """Run ``bergline``; its standard output."""
    done = bergline(arguments, {"PATH": "/usr/bin:/bin", **platform.variables})
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


def follow_advice(platform: EmbeddedPlatform, text: str) -> None:
    """Run the ``bergline offsets adopt`` command that an error text contains."""
    command = shlex.split(text[text.index("bergline offsets adopt") :])
    desk(platform, *command[1:], "--yes")


def test_a_recreated_topic_is_another_log(platform: EmbeddedPlatform) -> None:
    topic = "shopify.products"
    produce(platform, topic, objects(0, 10))
    until_at(platform, topic, 10)

    async def recreate(client: AIOKafkaAdminClient) -> None:
        await client.delete_topics([topic])
        declared = TOPICS[topic]
        await client.create_topics([NewTopic(topic, declared.partitions, 1)])

    asyncio.run(_admin(platform, recreate))
    produce(platform, topic, objects(100, 4))
    text = until(lambda: stopped(platform, topic), "the partition is stopped")

    assert text.startswith("LogReplaced: shopify.products/0 is another log")
    assert "the log ends at 4, before the position 10" in text
    assert "bergline offsets adopt raw.shopify_products --topic shopify.products" in text
    assert text in logged(platform)
    assert len(landed(platform, topic)) == 10

    follow_advice(platform, text)
    until(lambda: len(landed(platform, topic)) == 14, "the new log has landed")
    assert {(0, 100), (1, 101), (2, 102), (3, 103)} <= set(landed(platform, topic))
    assert next_offset(platform, topic) == 4


def known(platform: EmbeddedPlatform, topic: str) -> bool:
    """Whether the worker holds partitions of the topic at all."""
    with urllib.request.urlopen(platform.url("stream_writer") + "/info", timeout=5) as answer:
        stream = json.load(answer)["tables"][table_of_topic(topic).name]
    return any(stream[state] for state in ("flowing", "settling", "stopped"))


def test_a_topic_that_was_gone_for_a_while_is_found_again(platform: EmbeddedPlatform) -> None:
    topic = "shopify.products"
    asyncio.run(_admin(platform, lambda client: client.delete_topics([topic])))
    until(lambda: not known(platform, topic), "the deleted topic is no longer assigned")
    made = NewTopic(topic, TOPICS[topic].partitions, 1)
    asyncio.run(_admin(platform, lambda client: client.create_topics([made])))
    produce(platform, topic, objects(300, 2))
    text = until(lambda: stopped(platform, topic), "the partition is stopped")
    follow_advice(platform, text)
    until(lambda: (1, 301) in landed(platform, topic), "the new log has landed")
    until(lambda: stopped(platform, topic) is None, "nothing is stopped any more")


def test_a_recreated_topic_that_grew_beyond_the_position_is_recognised(
    platform: EmbeddedPlatform,
) -> None:
    topic = "shopify.customers"
    produce(platform, topic, objects(0, 3))
    until_at(platform, topic, 3)
    platform.pause("stream_writer")
    try:

        async def recreate(client: AIOKafkaAdminClient) -> None:
            await client.delete_topics([topic])
            await client.create_topics([NewTopic(topic, TOPICS[topic].partitions, 1)])

        asyncio.run(_admin(platform, recreate))
        produce(platform, topic, objects(200, 8))
    finally:
        # A worker that starts anew sees only the table and a log that is long enough.
        old = platform.kill("stream_writer")
    platform.wait_replaced("stream_writer", old=old)
    text = until(lambda: stopped(platform, topic), "the partition is stopped")
    assert "the record at 2 is not the one consumed" in text
    follow_advice(platform, text)
    until_at(platform, topic, 8)
    assert [row for _, row in landed(platform, topic) if row >= 200] == list(range(200, 208))


def test_records_gone_before_they_were_consumed_stop_the_partition(
    platform: EmbeddedPlatform,
) -> None:
    topic = "stripe.charges"
    produce(platform, topic, [b'{"data":{"object":{"id":"a"}}}'] * 5)
    until_at(platform, topic, 5)
    platform.pause("stream_writer")
    try:
        produce(platform, topic, [b'{"data":{"object":{"id":"b"}}}'] * 10)

        async def truncate(client: AIOKafkaAdminClient) -> None:
            await client.delete_records({TopicPartition(topic, 0): RecordsToDelete(12)})

        asyncio.run(_admin(platform, truncate))
    finally:
        old = platform.kill("stream_writer")
    platform.wait_replaced("stream_writer", old=old)
    text = until(lambda: stopped(platform, topic), "the partition is stopped")
    assert text.startswith("LogTruncated: offsets [5, 12) of stripe.charges/0 are gone")
    assert "(7 offsets lost)" in text
    follow_advice(platform, text)
    until_at(platform, topic, 15)
    assert [offset for offset, _ in landed(platform, topic)] == [0, 1, 2, 3, 4, 12, 13, 14]
    counts = json.loads(desk(platform, "counts", "raw.stripe_charges", "--output", "json"))
    assert "retention was too short" in json.dumps(counts)


def test_a_rolled_back_table_is_filled_again(platform: EmbeddedPlatform) -> None:
    topic = "shopify.orders"
    produce(platform, topic, objects(0, 5))
    until_at(platform, topic, 5)
    produce(platform, topic, objects(5, 5))
    until_at(platform, topic, 10)
    before = table(platform, topic)
    parent = before.current_snapshot().parent_snapshot_id  # type: ignore[union-attr]
    assert parent is not None
    before.manage_snapshots().set_current_snapshot(snapshot_id=parent).commit()
    produce(platform, topic, objects(10, 2))
    until_at(platform, topic, 12)
    assert landed(platform, topic) == [(number, number) for number in range(12)]


def test_a_rollback_is_noticed_without_traffic(platform: EmbeddedPlatform) -> None:
    topic = "shopify.orders"
    first = next_offset(platform, topic) or 0
    produce(platform, topic, objects(first, 1))
    until_at(platform, topic, first + 1)
    before = table(platform, topic)
    parent = before.current_snapshot().parent_snapshot_id  # type: ignore[union-attr]
    assert parent is not None
    before.manage_snapshots().set_current_snapshot(snapshot_id=parent).commit()
    assert next_offset(platform, topic) == first
    until_at(platform, topic, first + 1)
    assert landed(platform, topic) == [(number, number) for number in range(first + 1)]


def test_a_foreign_delete_neither_stops_nor_repeats_anything(platform: EmbeddedPlatform) -> None:
    topic = "shopify.orders"
    first = next_offset(platform, topic) or 0
    produce(platform, topic, objects(first, 3))
    until_at(platform, topic, first + 3)
    rows = len(landed(platform, topic))
    table(platform, topic).delete(f"_partition = 0 and _offset = {first}")
    assert len(landed(platform, topic)) == rows - 1
    produce(platform, topic, objects(first + 3, 2))
    until_at(platform, topic, first + 5)
    assert len(landed(platform, topic)) == rows + 1
    assert first not in [offset for offset, _ in landed(platform, topic)]


def test_a_table_whose_positions_are_lost_is_not_consumed(platform: EmbeddedPlatform) -> None:
    """Foreign snapshots only, and no mirror: nothing says what was consumed."""
    topic = "stripe.customers"
    lost = table(platform, topic)
    lost.append(lost.scan().to_arrow())
    with lost.transaction() as change:
        change.set_properties({"comment": "made by something else"})
    assert MIRROR_PROPERTY not in lost.refresh().properties
    produce(platform, topic, [b'{"data":{"object":{"id":"c"}}}'] * 3)
    text = until(lambda: stopped(platform, topic), "the partition is stopped")
    assert text.startswith("PositionsLost: raw.stripe_customers has snapshots")
    assert "bergline offsets adopt raw.stripe_customers" in text
    assert landed(platform, topic) == []
    desk(
        platform,
        *("offsets", "adopt", "raw.stripe_customers", "--reason", "begin anew", "--yes"),
        *("--from", "0=0", "--from", "1=0", "--from", "2=0"),
    )
    until_at(platform, topic, 3)
    assert len(landed(platform, topic)) == 3


def test_bad_records_are_rows_and_dead_letters(platform: EmbeddedPlatform) -> None:
    topic = "shopify.orders"
    first = next_offset(platform, topic) or 0
    produce(platform, topic, [b'{"id": 1}', b"not json", b"[1]", b"\xff\xfe", b'{"id": "x"}'])
    until_at(platform, topic, first + 5)
    rows = (
        table(platform, topic)
        .scan(row_filter=f"_partition = 0 and _offset >= {first}")
        .to_arrow()
        .sort_by("_offset")
        .to_pylist()
    )
    assert [row["_error"] for row in rows] == [
        None, "invalid_json", "not_an_object", "not_utf8", None,
    ]  # fmt: skip
    assert rows[1]["_payload"] == "not json"
    assert rows[3]["_payload_bytes"] == b"\xff\xfe"
    assert rows[4]["_drift"] == "id"

    def letters() -> list[dict[str, Any]]:
        found = open_catalog(platform.settings).load_table("metadata.dead_letters").scan()
        here = [row for row in found.to_arrow().to_pylist() if row["topic"] == topic]
        return here if len(here) >= 3 else []

    announced = {row["_event_id"]: row["reason"] for row in until(letters, "three dead letters")}
    assert announced == {
        f"{topic}/0/{first + 1}": "invalid_json",
        f"{topic}/0/{first + 2}": "not_an_object",
        f"{topic}/0/{first + 3}": "not_utf8",
    }


def test_a_flood_of_bad_records_stops_the_table_until_an_operator_resumes_it(
    platform: EmbeddedPlatform,
) -> None:
    topic = "shopify.products"
    first = next_offset(platform, topic) or 0
    platform.pause("stream_writer")
    try:
        produce(platform, topic, [b"broken"] * 60)
    finally:
        platform.resume("stream_writer")
    text = until(lambda: stopped(platform, topic), "the table is stopped")
    assert text.startswith("TooManyBadRecords: ")
    assert "bergline topics resume shopify.products" in text
    assert (next_offset(platform, topic) or 0) < first + 60
    desk(platform, "topics", "resume", topic)
    until_at(platform, topic, first + 60)
    until(lambda: stopped(platform, topic) is None, "nothing is stopped any more")
