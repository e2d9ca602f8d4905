"""A table that is committed all the time keeps few snapshots and leaves no manifests behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from aiokafka import AIOKafkaProducer

from shared.lake.catalog import load, open_catalog
from shared.lake.recorded import recorded
from tests.support.maintainer import QUICK, data_files
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import state
from tests.support.transformer import until

TOPIC, TABLE = "shopify.products", "raw.shopify_products"
COMMITS = 60
DENSE_S = 2


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[EmbeddedPlatform]:
    embedded = EmbeddedPlatform(
        tmp_path,
        replicas={"ingest": 0, "transformer": 0, "alerter": 0},
        environment={
            **QUICK,
            "BERGLINE_MAINTAINER_LOOK_S": "5",  # all tables are, and only this one is committed to
            "BERGLINE_STREAM_WRITER_MAX_AGE_S": "0.02",
            "BERGLINE_STREAM_WRITER_DENSE_S": str(DENSE_S),
            "BERGLINE_STREAM_WRITER_SWEEP_DELAY_S": "1",
        },
    )
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


async def commit_often(platform: EmbeddedPlatform, numbers: range) -> None:
    """Produce record by record, waiting for each to be committed."""
    producer = AIOKafkaProducer(bootstrap_servers=platform.settings.brokers, acks="all")
    await producer.start()
    try:
        for number in numbers:
            await producer.send_and_wait(TOPIC, b'{"id": %d}' % number, partition=0)
            deadline = time.monotonic() + 60
            while True:
                positions = recorded(state(platform, TABLE)).positions
                if positions and (positions.next_offset(TOPIC, 0) or 0) > number:
                    break
                assert time.monotonic() < deadline, f"record {number} is not committed"
                await asyncio.sleep(0.02)
    finally:
        await producer.stop()


def objects(platform: EmbeddedPlatform, directory: str) -> set[str]:
    """Keys of all objects below a location of the warehouse."""
    settings = platform.settings
    assert settings.s3_secret_key is not None
    store = pafs.S3FileSystem(
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        endpoint_override=settings.s3_endpoint,
        region=settings.s3_region,
    )
    selector = pafs.FileSelector(directory.removeprefix("s3://"), recursive=True)
    return {found.path for found in store.get_file_info(selector) if found.is_file}


@pytest.mark.timeout(240)
def test_thinned_snapshots_and_their_manifests_go(platform: EmbeddedPlatform) -> None:
    asyncio.run(commit_often(platform, range(COMMITS - 1)))
    until(lambda: data_files(platform, TABLE) < COMMITS / 2, "the table is compacted")
    asyncio.run(commit_often(platform, range(COMMITS - 1, COMMITS)))
    table = load(open_catalog(platform.settings), platform.settings.environment, TABLE)
    retained = table.metadata.snapshots
    assert table.scan().count() == COMMITS
    # The dense window, one per minute and per hour: far fewer than commits were made.
    now_ms = retained[-1].timestamp_ms
    dense = [s for s in retained if now_ms - s.timestamp_ms < DENSE_S * 1000]
    assert len(retained) <= len(dense) + 5 < COMMITS

    named = {snapshot.manifest_list.removeprefix("s3://") for snapshot in retained}
    for snapshot in retained:
        named |= {m.manifest_path.removeprefix("s3://") for m in snapshot.manifests(table.io)}
    present = {
        path for path in objects(platform, f"{table.location()}/metadata") if path.endswith(".avro")
    }
    assert named <= present, "a manifest that is still named was deleted"
    waiting = len(present - named)
    # What was removed in the last seconds is not due yet; everything before that is gone.
    assert waiting < COMMITS, f"{waiting} manifests of removed snapshots are left"
    assert len(table.metadata.metadata_log) <= 10
