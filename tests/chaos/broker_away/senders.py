"""Two senders, each with an instance of its own, and few things that they say much about."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.plan import stream
from deploy.generator.signing import Signer
from tests.chaos.evidence import LEDGER
from tests.chaos.traffic import Traffic

THINGS = 50
"""Orders that each sender tells of: at 75 a second, one and a half times a second of each."""


def senders(
    urls: Sequence[str], signer: Signer, directory: Path, *, rate: float, seed: int
) -> list[Traffic]:
    """One for each address, all together ``rate`` webhooks a second."""
    return [
        Traffic(
            url,
            signer,
            ledger(directory, number),
            rate=rate / len(urls),
            seed=seed,
            deliveries=deliveries(number, seed + number),
        )
        for number, url in enumerate(urls)
    ]


def ledger(directory: Path, number: int) -> Path:
    """Where a sender keeps its account."""
    return directory / f"ledger-{number}.csv"


def ledgers(directory: Path, count: int) -> pa.Table:
    """The accounts of all senders, each line with the ``instance`` that it is of."""
    with duckdb.connect() as sql:
        tables = [
            sql.execute(LEDGER, [str(ledger(directory, number))]).to_arrow_table()
            for number in range(count)
        ]
    return pa.concat_tables(
        table.append_column("instance", pa.array([number] * table.num_rows, pa.int64()))
        for number, table in enumerate(tables)
    )


def deliveries(sender: int, seed: int) -> Iterator[Delivery]:
    """By turns what vendors send, and the next version of one of few orders."""
    for said, number in zip(stream(seed), itertools.count(), strict=False):
        yield said
        yield version(sender, number % THINGS, number // THINGS)


def version(sender: int, thing: int, number: int) -> Delivery:
    """One version of one order."""
    identity = 7_000_000_000 + 1000 * sender + thing
    event_id = f"away-{sender}-{thing}-{number}"
    body = {"id": identity, "note": f"version {number}", "currency": "EUR", "total_price": "1.00"}
    return Delivery(
        source="shopify",
        path="/webhooks/shopify/orders",
        topic="shopify.orders",
        event_type="orders/updated",
        event_id=event_id,
        subject=str(identity),
        headers=(
            ("Content-Type", "application/json"),
            ("X-Shopify-Topic", "orders/updated"),
            ("X-Shopify-Event-Id", event_id),
        ),
        body=json.dumps(body).encode(),
        kind=Kind.UPDATE,
    )
