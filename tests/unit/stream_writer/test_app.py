"""How Faust is set up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.stream_writer.app import build_app
from services.stream_writer.config import StreamWriterSettings
from services.stream_writer.handlers import Handlers
from shared.contracts.environment import Environment


def app(directory: Path, **settings: Any) -> tuple[Any, Handlers]:
    handlers = Handlers({}, Environment(), None)
    return build_app(
        StreamWriterSettings(stream_writer_work_dir=directory, **settings), handlers
    ), handlers


@pytest.mark.parametrize(
    ("settings", "protocol"),
    [
        ({"broker_tls": True}, "SSL"),
        ({"broker_username": "u", "broker_password": "p"}, "SASL_PLAINTEXT"),
        ({"broker_username": "u", "broker_password": "p", "broker_tls": True}, "SASL_SSL"),
    ],
    ids=["TLS", "password", "both"],
)
@pytest.mark.asyncio
async def test_the_groups_consumer_connects_as_every_other_client_does(
    tmp_path: Path, settings: dict[str, Any], protocol: str
) -> None:
    made, _ = app(tmp_path, **settings)
    credentials = made.conf.broker_credentials
    assert credentials.protocol.value == protocol
    assert "p" not in repr(credentials).partition("=")[2]


@pytest.mark.asyncio
async def test_without_credentials_it_connects_in_the_clear(tmp_path: Path) -> None:
    made, _ = app(tmp_path)
    assert made.conf.broker_credentials is None


@pytest.mark.asyncio
async def test_a_worker_that_is_given_no_partition_is_ready(tmp_path: Path) -> None:
    made, handlers = app(tmp_path)
    assert handlers.not_ready() == "no partitions assigned yet by the consumer group"
    await made.on_partitions_assigned.send(set())
    assert handlers.not_ready() is None


@pytest.mark.asyncio
async def test_a_worker_is_not_ready_while_its_group_rebalances(tmp_path: Path) -> None:
    made, handlers = app(tmp_path)
    await made.on_partitions_assigned.send(set())
    await made.on_partitions_revoked.send(set())
    assert handlers.not_ready() is not None
    await made.on_partitions_assigned.send(set())
    assert handlers.not_ready() is None
