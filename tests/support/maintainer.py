"""A platform whose tables are maintained: records in, files counted, events read."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer

from shared.contracts.envelope import Envelope
from shared.contracts.event import Event
from shared.contracts.identity import uuid7
from shared.lake.table_state import TableState
from shared.runtime.event_log import read_events
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import rows, state
from tests.support.transformer import until
from tests.support.warm_bergline import bergline

EventT = TypeVar("EventT", bound=Event)

QUICK = {
    "BERGLINE_STREAM_WRITER_MAX_AGE_S": "0.1",
    "BERGLINE_MAINTAINER_LOOK_S": "2",
    "BERGLINE_MAINTAINER_HOT_S": "0",
    "BERGLINE_MAINTAINER_NICE": "0",
    "BERGLINE_MAINTAINER_BACKOFF_S": "0.2",
    "BERGLINE_MAINTAINER_SESSION_TIMEOUT_S": "6",
}
"""Settings for tests that wait: tables are looked at often, and no partition is too hot."""


def commit(platform: EmbeddedPlatform, topic: str, table: str, numbers: range) -> TableState:
    """A record, and with it a commit and a data file, for each number; the table after that."""
    for number in numbers:
        asyncio.run(_publish(platform, topic, number))
        until(partial(_holds, platform, table, number), f"{table} holds {number}")
    return state(platform, table)


def _holds(platform: EmbeddedPlatform, table: str, number: int) -> bool:
    return number in ids(platform, table)


async def _publish(platform: EmbeddedPlatform, topic: str, number: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=platform.settings.brokers, acks="all")
    await producer.start()
    try:
        now, delivery = datetime.now(UTC), uuid7()
        envelope = Envelope(
            id=delivery,
            type="updated",
            source="test",
            time=now,
            received_at=now,
            delivery_id=delivery,
        )
        await producer.send_and_wait(
            topic,
            value=json.dumps({"id": number, "email": f"{number}@example.com"}).encode(),
            key=str(number).encode(),
            headers=envelope.headers(),
        )
    finally:
        await producer.stop()


def ids(platform: EmbeddedPlatform, table: str) -> list[int]:
    """The numbers of the records that a table holds, in order."""
    payloads = rows(platform, table, ["_payload"])["_payload"].to_list()
    return sorted(json.loads(each)["id"] for each in payloads)


def data_files(platform: EmbeddedPlatform, table: str) -> int:
    """Live data files."""
    head = state(platform, table).current_snapshot()
    return 0 if head is None else int(head.summary["total-data-files"])


def told(platform: EmbeddedPlatform, topic: str, kind: type[EventT], table: str) -> list[EventT]:
    """Events of one kind about one table so far."""
    since = datetime.now(UTC) - timedelta(hours=1)
    events = asyncio.run(read_events(platform.settings, [topic], since))
    return [each for each in events if isinstance(each, kind) and each.key() == table]


def owned(platform: EmbeddedPlatform, replica: int) -> set[str]:
    """Tables of one maintainer, as it says."""
    url = platform.url("maintainer", replica) + "/info"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return set(json.load(answer)["tables"])


def desk(platform: EmbeddedPlatform, *arguments: str, **variables: str) -> tuple[int, Any, str]:
    """A command's exit code, the JSON that it prints, and what it tells on standard error."""
    environment = {**platform.variables, "PATH": "/usr/bin:/bin", **variables}
    done = bergline([*arguments, "--output", "json"], environment, seconds=150)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr
