"""Consumed records as a consumer would hand them over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Headers = tuple[tuple[str, bytes | None], ...]

HEADERS: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"evt-1"),
    ("ce_type", b"orders/create"),
    ("ce_source", b"shopify"),
    ("ce_time", b"2026-01-02T03:04:05.000006Z"),
    ("ce_subject", b"5000"),
    ("content-type", b"application/json"),
    ("received_at", b"2026-01-02T03:04:06.000007Z"),
    ("delivery_id", b"019b7d6c-5e1d-7000-8000-000000000001"),
)
"""Headers as ingest writes them."""


@dataclass(frozen=True, slots=True)
class FetchedRecord:
    """The part of aiokafka's ``ConsumerRecord`` that is read."""

    value: bytes | None
    offset: int = 0
    partition: int = 0
    timestamp: int | None = 1_767_323_046_000
    key: bytes | None = b"5000"
    headers: Headers = HEADERS


def fetched(values: Iterable[bytes | None]) -> list[FetchedRecord]:
    """One record per value, at rising offsets of partition 0."""
    return [FetchedRecord(value, offset) for offset, value in enumerate(values)]
