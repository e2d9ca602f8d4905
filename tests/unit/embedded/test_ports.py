"""Ports: declared once, clashes named before anything starts."""

import os
import socket

import pytest

from deploy.embedded import ports
from deploy.embedded.ports import Port, PortSettings
from shared.runtime.errors import ConfigurationError

ONE_EACH = {"ingest": 1, "stream_writer": 1, "transformer": 1, "maintainer": 1, "alerter": 1}


@pytest.fixture
def listener() -> "socket.socket":
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every server does
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken


def test_the_defaults_are_the_numbers_of_the_runbook() -> None:
    chosen = PortSettings()
    assert (chosen.s3_port, chosen.catalog_port) == (9000, 8181)
    assert (chosen.broker_port, chosen.broker_admin_port) == (9092, 9644)
    assert (chosen.ingest_port, chosen.stream_writer_port) == (8090, 8083)


def test_replica_k_listens_100_k_above_the_first() -> None:
    assert [PortSettings().service("ingest", k) for k in range(3)] == [8090, 8190, 8290]
    numbers = {port.number for port in ports.needed(PortSettings(), {"stream_writer": 2})}
    assert {8083, 8183} <= numbers


def test_every_port_of_the_storage_is_known() -> None:
    purposes = {port.purpose for port in ports.needed(PortSettings(), ONE_EACH)}
    servers = {"S3 gRPC", "master", "volume", "filer", "admin"}
    assert {f"storage {name}" for name in servers} <= purposes
    assert {"storage master gRPC", "storage volume gRPC", "storage admin gRPC"} <= purposes


def test_one_number_for_two_purposes_is_refused_naming_both_settings() -> None:
    with pytest.raises(ConfigurationError) as refused:
        ports.needed(PortSettings(ingest_port=9000), ONE_EACH)
    assert "port 9000 is given to both S3 endpoint and ingest" in refused.value.what
    assert "BERGLINE_S3_PORT" in refused.value.next_step
    assert "BERGLINE_INGEST_PORT" in refused.value.next_step


def test_a_replica_beyond_the_last_port_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="port 65550"):
        ports.needed(PortSettings(ingest_port=65_450), {"ingest": 2})


def test_a_clash_names_port_purpose_holder_and_setting(listener: socket.socket) -> None:
    with listener:
        number = listener.getsockname()[1]
        with pytest.raises(ConfigurationError) as refused:
            ports.claim([Port(number, "S3 endpoint", "BERGLINE_S3_PORT")])
    assert f"port {number} (S3 endpoint)" in refused.value.what
    assert f"(pid {os.getpid()})" in refused.value.what
    assert "BERGLINE_S3_PORT" in refused.value.what
    assert "nothing was started" in refused.value.next_step


def test_all_clashes_are_told_at_once(listener: socket.socket) -> None:
    with listener, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        numbers = [each.getsockname()[1] for each in (listener, other)]
        with pytest.raises(ConfigurationError) as refused:
            ports.claim([Port(number, "broker", "BERGLINE_BROKER_PORT") for number in numbers])
    assert all(f"port {number} " in refused.value.what for number in numbers)


def test_a_listener_on_all_interfaces_clashes_too() -> None:
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))  # noqa: S104
        everywhere.listen()
        assert not ports.free(everywhere.getsockname()[1])


def test_a_port_is_free_again_once_its_listener_is_gone(listener: socket.socket) -> None:
    number = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", number)):
        accepted, _ = listener.accept()
        listener.close()
        accepted.close()  # leaves the port in TIME_WAIT
    assert ports.free(number)


def test_picked_ports_are_free_and_leave_room_for_replicas() -> None:
    replicas = {"ingest": 2, "stream_writer": 3}
    chosen = ports.pick_free(replicas)
    needed = ports.needed(chosen, replicas)
    ports.claim(needed)
    assert max(port.number for port in needed) < 32_768


def test_ports_are_picked_where_they_are_asked_for() -> None:
    base = ports.pick_free({}).s3_port
    only = range(base, base + 1)
    assert ports.pick_free({}, only).s3_port == base
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base))
        taken.listen()
        with pytest.raises(ConfigurationError, match=f"no free ports found from {base} on"):
            ports.pick_free({}, only)


def test_a_wrong_number_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_BROKER_PORT", "kafka")
    with pytest.raises(ConfigurationError, match="BERGLINE_BROKER_PORT"):
        ports.load()
