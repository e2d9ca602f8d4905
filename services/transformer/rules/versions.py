"""How raw rows become versions of an object, and tombstones."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import polars as pl

LATEST = ("updated_at", "_event_time", "_event_id", "_payload_sha256")
"""What decides which version is the latest: the vendor's own time, then when the vendor triggered
the event, then its id, then the bytes. Never where or when a record arrived."""

RECEIVED_AT = pl.coalesce("_received_at", "_timestamp", "_loaded_at")
"""When a record reached us. Records of foreign producers carry no receipt."""

HAPPENED_AT = pl.coalesce(pl.col("_event_time"), RECEIVED_AT)
"""When an event happened, or at the latest."""


def payload_sha256(payloads: pl.Series) -> pl.Series:
    """SHA-256 of each payload's bytes, hexadecimal."""
    digests = [
        None if payload is None else sha256(payload).hexdigest()
        for payload in payloads.cast(pl.Binary).to_list()
    ]
    return pl.Series(payloads.name, digests, dtype=pl.String)


def together(frames: Sequence[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    """Rows of all frames; columns that one of them does not have are null."""
    rows = pl.concat([schema.to_frame(eager=True), *frames], how="diagonal")
    return rows.select(list(schema))
