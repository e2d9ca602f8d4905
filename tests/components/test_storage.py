"""The object store and catalog as configured: private, on loopback, durable."""

import asyncio
import json
import urllib.error
import urllib.request
from http import HTTPStatus

import psutil
import pytest

from deploy.embedded import ports, storage
from deploy.embedded.probes import storage_ready
from shared.lake.catalog import open_catalog
from tests.support.storage import StorageProcess, module_storage, storage_process

__all__ = ["module_storage", "storage_process"]

REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def status_of(url: str, method: str = "GET", body: bytes | None = None) -> int:
    """Status that an anonymous client gets."""
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/warehouse"),
        ("GET", "/warehouse/any"),
        ("PUT", "/warehouse/any"),
        ("PUT", "/new-bucket"),
        ("DELETE", "/warehouse/any"),
    ],
)
def test_s3_refuses_anonymous_clients(
    module_storage: StorageProcess, method: str, path: str
) -> None:
    base = f"http://127.0.0.1:{module_storage.ports.s3_port}"
    assert status_of(base + path, method) in REFUSED


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/warehouse/namespaces"),
        ("POST", "/v1/warehouse/namespaces"),
        ("GET", "/v1/warehouse/namespaces/raw/tables"),
        ("DELETE", "/v1/warehouse/namespaces/raw"),
        ("POST", "/v1/warehouse/transactions/commit"),
    ],
)
def test_the_catalog_refuses_anonymous_clients(
    module_storage: StorageProcess, method: str, path: str
) -> None:
    base = f"http://127.0.0.1:{module_storage.ports.catalog_port}"
    assert status_of(base + path, method, b"{}" if method == "POST" else None) in REFUSED


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/buckets/warehouse/any"])
def test_the_filer_refuses_anonymous_clients(
    module_storage: StorageProcess, method: str, path: str
) -> None:
    base = f"http://127.0.0.1:{module_storage.ports.storage('filer')}"
    assert status_of(base + path, method) in REFUSED


def test_a_wrong_key_is_not_ready(module_storage: StorageProcess) -> None:
    chosen = module_storage.ports
    probe = storage_ready(
        chosen.s3_port,
        chosen.catalog_port,
        storage.WAREHOUSE,
        module_storage.secrets.s3_access_key,
        "not the key",
    )
    reason = asyncio.run(probe())
    assert reason == "S3 answered 403 to a signed request"


def test_it_listens_on_loopback_only_and_on_declared_ports_only(
    module_storage: StorageProcess,
) -> None:
    listening = {
        (connection.laddr[0], connection.laddr[1])
        for connection in psutil.Process(module_storage.pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address for address, _ in listening} == {"127.0.0.1"}
    declared = {
        port.number
        for port in ports.needed(module_storage.ports, {})
        if not port.purpose.startswith(("Kafka", "broker"))
    }
    assert {number for _, number in listening} == declared


def test_no_secret_is_visible_in_arguments_or_log(module_storage: StorageProcess) -> None:
    visible = " ".join(psutil.Process(module_storage.pid).cmdline())
    visible += module_storage.log_file.read_text()
    assert not any(value in visible for value in module_storage.secrets.values())


def test_its_own_table_maintenance_is_off(module_storage: StorageProcess) -> None:
    # It would expire snapshots and rewrite files without our positions in the summary.
    jobs = module_storage.directory / "data" / "admin" / "plugin" / "job_types"
    config = json.loads((jobs / "iceberg_maintenance" / "config.json").read_text())
    assert config["adminRuntime"]["enabled"] is False


def test_what_the_catalog_acknowledged_survives_kill_9(storage_process: StorageProcess) -> None:
    open_catalog(storage_process.settings).create_namespace("kept")
    storage_process.kill9()
    storage_process.start()
    assert ("kept",) in open_catalog(storage_process.settings).list_namespaces()
