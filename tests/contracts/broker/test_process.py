"""The embedded broker as a process: durability, bounds, authentication, start and stop."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.embedded.broker import housekeeping
from deploy.embedded.broker.__main__ import serve
from deploy.embedded.broker.broker import Broker
from deploy.embedded.broker.errors import BrokerError
from deploy.embedded.broker.settings import Settings
from tests.contracts.broker.kafka import commit, committed, create, fetch, offset_at, produce
from tests.support.broker import BrokerProcess, chosen
from tests.support.kafka_wire import (
    RawConnection,
    batch,
    data,
    int32,
    string,
)

pytestmark = pytest.mark.skipif(
    chosen() != "embedded", reason="about the embedded broker as a process"
)

GOOD = batch([(b"k", b"v")])


@contextmanager
def started(directory: Path, *arguments: str, **environment: str) -> Iterator[BrokerProcess]:
    process = BrokerProcess(directory, *arguments, environment=environment)
    process.start()
    try:
        yield process
    finally:
        process.close()


def test_sigterm_ends_with_0_within_3_seconds(broker: BrokerProcess) -> None:
    create(broker, "t")
    with RawConnection(broker.bootstrap) as connection:
        produce(connection, "t", GOOD)
        began = time.monotonic()
        assert broker.stop() == 0
        assert time.monotonic() - began < 3
        assert connection.is_closed()


def test_a_full_disk_is_answered_and_nothing_is_acknowledged(broker: BrokerProcess) -> None:
    create(broker, "t")
    with RawConnection(broker.bootstrap) as connection:
        assert produce(connection, "t", GOOD) == (0, 0, 0)
        # Files of this process may not grow: every write fails as on a full disk.
        limits = resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (10, -1))
        assert produce(connection, "t", GOOD)[:2] == (56, -1)
        assert commit(connection, "g", "t", 1) == 56
        assert offset_at(connection, "t", -1) == (0, -1, 1)
        resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, limits)
        assert produce(connection, "t", GOOD) == (0, 1, 0)
        assert commit(connection, "g", "t", 1) == 0
    assert "kafka_broker_storage_failures_total 2.0" in broker.metrics()
    broker.kill9()
    broker.start()
    with RawConnection(broker.bootstrap) as connection:
        assert offset_at(connection, "t", -1) == (0, -1, 2)


def test_a_second_broker_names_directory_and_owner(broker: BrokerProcess) -> None:
    command = [sys.executable, "-m", "deploy.embedded.broker", "--data-dir", str(broker.data_dir)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert str(broker.data_dir) in second.stderr
    assert str(broker.pid) in second.stderr
    assert "Traceback" not in second.stderr


def test_other_binds_than_loopback_demand_sasl(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.embedded.broker", "--data-dir", str(tmp_path)]
    refused = subprocess.run(
        [*command, "--host", "0.0.0.0"],  # noqa: S104 - it must refuse
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert "--sasl-file" in refused.stderr


def test_sasl_plain_lets_in_who_knows_the_password(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("ann:secret\n")
    users.chmod(0o600)
    client = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    with started(tmp_path, "--sasl-file", str(users)) as process:
        create(process, "t", **client, **{"sasl.username": "ann", "sasl.password": "secret"})
        wrong = {**client, "sasl.username": "ann", "sasl.password": "wrong"}
        admin = AdminClient({"bootstrap.servers": process.bootstrap, **wrong})
        with pytest.raises(KafkaException):
            admin.list_topics(timeout=3)
        with RawConnection(process.bootstrap) as connection:
            connection.send(3, 1, int32(-1))
            assert connection.is_closed()
        with RawConnection(process.bootstrap) as connection:
            assert connection.ask(17, 1, string("PLAIN")).int16() == 0
            assert connection.ask(36, 0, data(b"\0ann\0secret")).int16() == 0
            assert connection.ask(3, 1, int32(-1)).int32() == 1
        assert "secret" not in process.log()


def test_bounds_are_kept(tmp_path: Path) -> None:
    bounds = ("--max-connections", "2", "--max-request-bytes", "100000", "--max-topics", "1")
    with started(tmp_path, *bounds, "--idle-seconds", "2", "--stall-seconds", "2") as process:
        address = process.bootstrap
        with RawConnection(address) as stalled, RawConnection(address) as idle:
            assert idle.ask(18, 0, b"").int16() == 0
            with RawConnection(address) as third:
                assert third.is_closed()
            stalled.send_bytes(int32(1000) + b"only the beginning")
            assert stalled.is_closed()
            assert idle.is_closed()
        none_open = 'redpanda_rpc_active_connections{redpanda_server="kafka"} 0.0'
        deadline = time.monotonic() + 30
        while none_open not in process.metrics():
            assert time.monotonic() < deadline
        with RawConnection(address) as large:
            large.send_bytes(int32(100_001))
            assert large.is_closed()
        create(process, "one")
        with pytest.raises(KafkaException, match="at most 1 topics"):
            create(process, "two")
        metrics = process.metrics()
        for reason in ("too_many_connections", "stalled", "idle", "malformed_request"):
            assert f'kafka_broker_connections_closed_total{{reason="{reason}"}}' in metrics


def test_metrics_have_redpanda_s_names(broker: BrokerProcess) -> None:
    create(broker, "t")
    with RawConnection(broker.bootstrap) as connection:
        produce(connection, "t", GOOD)
        fetch(connection, "t", 0)
        commit(connection, "g", "t", 1)
    metrics = broker.metrics()
    partition = 'redpanda_namespace="kafka",redpanda_partition="0",redpanda_topic="t"'
    assert f"redpanda_kafka_max_offset{{{partition}}} 1.0" in metrics
    committed_labels = 'redpanda_group="g",redpanda_partition="0",redpanda_topic="t"'
    name = "redpanda_kafka_consumer_group_committed_offset"
    assert f"{name}{{{committed_labels}}} 1.0" in metrics
    for request in ("produce", "consume"):
        labels = f'redpanda_namespace="kafka",redpanda_request="{request}",redpanda_topic="t"'
        assert f"redpanda_kafka_request_bytes_total{{{labels}}} {len(GOOD)}.0" in metrics
    assert "redpanda_cluster_topics 1.0" in metrics


def test_normal_operation_logs_nothing(broker: BrokerProcess) -> None:
    before = broker.log()
    create(broker, "t")
    with RawConnection(broker.bootstrap) as connection:
        produce(connection, "t", GOOD)
        fetch(connection, "t", 0)
    assert broker.is_ready()
    assert broker.log() == before


def test_a_topic_made_again_has_no_offsets_of_the_old_one_even_after_a_crash(
    broker: BrokerProcess,
) -> None:
    create(broker, "t")
    with RawConnection(broker.bootstrap) as connection:
        produce(connection, "t", GOOD)
        assert commit(connection, "g", "t", 1) == 0
    broker.kill9()
    topics = broker.data_dir / "topics.json"
    topics.write_text(json.dumps({"topics": {}}))  # it died when only this had been written
    broker.start()
    create(broker, "t")
    with RawConnection(broker.bootstrap) as connection:
        assert committed(connection, "g", "t") == -1


def test_the_process_ends_when_a_part_of_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(_broker: Broker) -> None:
        raise RuntimeError("out of threads")

    monkeypatch.setattr(housekeeping, "run", failing)
    with pytest.raises(BrokerError, match="out of threads"):
        asyncio.run(serve(Settings(data_dir=tmp_path, port=0, admin_port=0)))
