"""A platform whose derived tables are looked at: orders in, rows of any table out, builds told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer
from pyiceberg.table import Table

from shared.contracts.envelope import Envelope
from shared.contracts.identity import uuid7
from shared.lake.catalog import load, open_catalog
from tests.support.platform import EmbeddedPlatform

ORDERS = "shopify.orders"
FAST = {
    "BERGLINE_STREAM_WRITER_MAX_AGE_S": "0.2",
    "BERGLINE_TRANSFORMER_RECONCILE_S": "2",
    "BERGLINE_TRANSFORMER_WORKER_NICE": "0",
    "BERGLINE_TRANSFORMER_BACKOFF_LONGEST_S": "2",
}
"""Settings for tests that wait: short pauses, and workers that a busy machine does not starve."""
WITHIN_S = 240.0
WORKERS_S = 240.0


def until(condition: Callable[[], Any], what: str, seconds: float = WITHIN_S) -> Any:
    """The first true answer of a condition.

    Raises:
        AssertionError: there was none in time.
    """
    asked = time.monotonic()
    deadline = asked + seconds
    while not (found := condition()):
        took = time.monotonic() - asked
        assert asked + took < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(min(max(0.1, 2 * took), 1.0))  # asking is work, of what is waited for, too
        asked = time.monotonic()
    return found


def start(platform: EmbeddedPlatform) -> None:
    """Start a platform and wait until everything, workers included, is there."""
    platform.start()
    until(lambda: len(workers(platform)) == 2, "two workers", WORKERS_S)


def hurry(platform: EmbeddedPlatform) -> None:
    """Let transformer run like everybody else, where that may be asked for.

    Beside other tests on a busy machine its low priority would make it wait for minutes.
    """
    service = psutil.Process(platform.process("transformer").pid)
    for each in (service, *service.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            each.nice(0)


def order(number: int, total: str = "10.00", *, customer: int = 1, day: int = 1) -> dict[str, Any]:
    """An order as Shopify tells of it, with what the tables up to the mart look at."""
    moment = f"2026-11-{day:02}T10:00:00Z"
    return {
        "id": number,
        "name": f"#{number}",
        "order_number": number,
        "email": f"{customer}@example.com",
        "currency": "USD",
        "financial_status": "paid",
        "total_price": total,
        "subtotal_price": total,
        "total_discounts": "0.00",
        "total_tax": "0.00",
        "created_at": moment,
        "updated_at": moment,
        "processed_at": moment,
        "customer": {"id": customer, "email": f"{customer}@example.com"},
        "line_items": [{"id": number, "quantity": 1, "price": total}],
    }


def send(platform: EmbeddedPlatform, orders: Iterable[dict[str, Any]]) -> None:
    """Orders as ingest publishes them."""

    async def publish() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=platform.settings.brokers, acks="all")
        await producer.start()
        try:
            for each in orders:
                now = datetime.now(UTC)
                delivery = uuid7()
                envelope = Envelope(
                    id=delivery,
                    type="orders/create",
                    source="shopify",
                    time=datetime.fromisoformat(each["updated_at"]),
                    received_at=now,
                    delivery_id=delivery,
                )
                await producer.send_and_wait(
                    ORDERS,
                    value=json.dumps(each).encode(),
                    key=str(each["id"]).encode(),
                    headers=envelope.headers(),
                )
        finally:
            await producer.stop()

    asyncio.run(publish())


def table(platform: EmbeddedPlatform, name: str) -> Table:
    """A table as it is now."""
    settings = platform.settings
    return load(open_catalog(settings), settings.environment, name)


def info(platform: EmbeddedPlatform, path: str = "/info") -> Any:
    """What transformer answers."""
    with urllib.request.urlopen(platform.url("transformer") + path, timeout=20) as answer:
        return json.load(answer)


def workers(platform: EmbeddedPlatform) -> list[int]:
    """Pids of the processes that build."""
    hurry(platform)
    return [worker["pid"] for worker in info(platform)["pool"]["workers"]]
