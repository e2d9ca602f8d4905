"""What the embedded platform consists of: the table of services, and one plan of children.

Storage and broker start together; ``bootstrap`` waits for both and makes topics and tables once;
then the services start.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deploy.embedded import storage
from deploy.embedded.full_disk import FullDiskWatch
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.ports import HOST, PortSettings
from deploy.embedded.probes import http_ready, storage_ready
from deploy.embedded.processes import Child
from deploy.embedded.secrets import Secrets
from shared.runtime.errors import ConfigurationError
from shared.runtime.settings import DATA_DIR_VARIABLE
from shared.sources.project import PROJECT_VARIABLE, project_dir

MAX_REPLICAS = 16


STORAGE_PATH_VARIABLE = "BERGLINE_ALERTER_STORAGE_PATH"
"""Tells alerter whose free room is the object store's."""
EXPECTED_SERVICES_VARIABLE = "BERGLINE_ALERTER_EXPECTED_SERVICES"
"""Tells alerter which services are meant to run."""


@dataclass(frozen=True, slots=True)
class Service:
    """One of the platform's services.

    Attributes:
        name: also the stem of its port setting and of its log.
        module: run with ``python -m``; listens on ``BERGLINE_<NAME>_PORT`` with ``/readyz``,
            drains within 10 s after SIGTERM.
        after: what must be ready before its first start.
        nice: added to its scheduling priority number.
        numbered: variable that tells a process which replica it is, the same after every restart.
    """

    name: str
    module: str
    after: tuple[str, ...]
    nice: int = 0
    numbered: str | None = None


_ALL = (
    Service(
        "ingest",
        "services.ingest",
        after=("bootstrap",),
        # What it had spooled before it was killed stays before what it spools afterwards.
        numbered="BERGLINE_INGEST_SPOOL_NUMBER",
    ),
    # Behind ingest when the processor is short: a late table is better than a refused webhook.
    Service("stream_writer", "services.stream_writer", after=("bootstrap",), nice=2),
    # Behind both; the workers that it starts come after it once more.
    Service("transformer", "services.transformer", after=("bootstrap",), nice=5),
    # Last of all: what it does not do now it does later.
    Service("maintainer", "services.maintainer", after=("bootstrap",), nice=7),
    # It needs little, and what it tells is late when it waits. It needs nobody to start, but while
    # the platform starts there is nothing to tell.
    Service("alerter", "services.alerter", after=("bootstrap",), nice=1),
)

SERVICES: Mapping[str, Service] = MappingProxyType({service.name: service for service in _ALL})
"""Every service by its name."""


def replicas_of(wanted: Mapping[str, int]) -> dict[str, int]:
    """Number of processes of every service; one where nothing else is wanted.

    Raises:
        ConfigurationError: a service or number does not exist.
    """
    for name, count in wanted.items():
        if name not in SERVICES:
            raise ConfigurationError(
                f"--replicas {name}={count}: there is no service {name!r}",
                f"services are: {', '.join(SERVICES)}",
            )
        if not 0 <= count <= MAX_REPLICAS:
            raise ConfigurationError(f"--replicas {name}={count}: not between 0 and {MAX_REPLICAS}")
    return {name: wanted.get(name, 1) for name in SERVICES}


def connection(ports: PortSettings, secrets: Secrets, brokers: str | None = None) -> dict[str, str]:
    """What services and command line must know, as ``BERGLINE_…`` variables.

    Args:
        ports: where the platform listens.
        secrets: its secrets.
        brokers: bootstrap servers of another Kafka; ``None`` for the embedded broker.
    """
    key, secret = secrets.s3_access_key, secrets.s3_secret_key.get_secret_value()
    admin = f"http://{HOST}:{ports.broker_admin_port}"
    if brokers is not None:
        # Its default is the embedded broker's, perhaps that of another platform.
        admin = os.environ.get("BERGLINE_BROKER_ADMIN", "")
    return {
        "BERGLINE_BROKERS": brokers or f"{HOST}:{ports.broker_port}",
        "BERGLINE_BROKER_ADMIN": admin,
        "BERGLINE_CATALOG_URI": f"http://{HOST}:{ports.catalog_port}",
        "BERGLINE_CATALOG_WAREHOUSE": f"s3://{storage.WAREHOUSE}",
        "BERGLINE_CATALOG_CREDENTIAL": f"{key}:{secret}",
        "BERGLINE_S3_ENDPOINT": f"http://{HOST}:{ports.s3_port}",
        "BERGLINE_S3_ACCESS_KEY": key,
        "BERGLINE_S3_SECRET_KEY": secret,
        "BERGLINE_OPERATOR_KEY": secrets.operator_key.get_secret_value(),
        "BERGLINE_INGEST_PORT": str(ports.ingest_port),
        "BERGLINE_STREAM_WRITER_PORT": str(ports.stream_writer_port),
        "BERGLINE_TRANSFORMER_PORT": str(ports.transformer_port),
        "BERGLINE_MAINTAINER_PORT": str(ports.maintainer_port),
        "BERGLINE_ALERTER_PORT": str(ports.alerter_port),
        "BERGLINE_TRANSFORMER_TOKEN_KEY": secrets.token_key.get_secret_value(),
        **{
            f"BERGLINE_INGEST_{source.upper()}_SECRETS": secret.get_secret_value()
            for source, secret in secrets.webhook_secrets.items()
        },
    }


# These may be set by hand for the embedded platform too: the file is only their default.
_YOURS_TO_SET = (
    "BERGLINE_INGEST_PORT",
    "BERGLINE_STREAM_WRITER_PORT",
    "BERGLINE_TRANSFORMER_PORT",
    "BERGLINE_MAINTAINER_PORT",
    "BERGLINE_ALERTER_PORT",
    "BERGLINE_TRANSFORMER_TOKEN_KEY",
    "BERGLINE_OPERATOR_KEY",
)
_A_SOURCES_SECRETS = re.compile(r"BERGLINE_INGEST_\w+_SECRETS")


def refuse_foreign_connection(
    ports: PortSettings, secrets: Secrets, brokers: str | None = None
) -> None:
    """Variables win over the connection file, so one that points elsewhere would split us.

    Raises:
        ConfigurationError: names the variables that point to another platform.
    """
    ours = connection(ports, secrets, brokers)
    foreign = [
        name
        for name, value in ours.items()
        if name not in _YOURS_TO_SET
        and not _A_SOURCES_SECRETS.fullmatch(name)
        and os.environ.get(name, value) != value
    ]
    if foreign:
        raise ConfigurationError(
            f"{', '.join(foreign)} point to another platform than the embedded one",
            "unset them to run the embedded platform; nothing was started",
        )


def write_connection(
    layout: Layout, ports: PortSettings, secrets: Secrets, brokers: str | None = None
) -> None:
    """Write the connection file (0600)."""
    lines = ["# Written by `bergline up` at each start. Variables of the environment win."]
    lines += [f"{name}={value}" for name, value in connection(ports, secrets, brokers).items()]
    write_private(layout.connection_file, "\n".join(lines) + "\n")


def plan(
    layout: Layout,
    ports: PortSettings,
    secrets: Secrets,
    replicas: Mapping[str, int],
    *,
    with_broker: bool = True,
) -> list[Child]:
    """Every child of the platform. No secret is in an argument list."""
    common = {
        **os.environ,
        DATA_DIR_VARIABLE: str(layout.root),
        # Children stand elsewhere: what is relative to here must be told them whole.
        PROJECT_VARIABLE: str(project_dir() or ""),
        # glibc gives each thread an arena of its own, which long-lived processes never give back.
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
        EXPECTED_SERVICES_VARIABLE: os.environ.get(EXPECTED_SERVICES_VARIABLE)
        or ",".join(sorted(name for name in SERVICES if replicas.get(name, 1))),
        STORAGE_PATH_VARIABLE: os.environ.get(STORAGE_PATH_VARIABLE) or str(layout.storage),
    }
    children = [_storage(layout, ports, secrets)]
    if with_broker:
        children.append(_broker(layout, ports, common))
    children.append(
        Child(
            name="bootstrap",
            # Started with the others, so that its imports and their starts take the same time.
            arguments=_python("shared.cli", "bootstrap", "--wait", "30", "--output", "json"),
            environment=common,
            log=layout.log("bootstrap"),
            directory=layout.root,
            ready=None,
            task=True,
        )
    )
    for service in SERVICES.values():
        children += [
            _service(service, replica, layout, ports, common)
            for replica in range(replicas.get(service.name, 1))
        ]
    return children


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    # -P: a directory named `services` or `shared` where the operator stands must not be imported.
    return (sys.executable, "-P", "-m", module, *arguments)


def _storage(layout: Layout, ports: PortSettings, secrets: Secrets) -> Child:
    storage.prepare(layout.storage, secrets)
    return Child(
        name="storage",
        arguments=tuple(storage.arguments(layout.storage, ports)),
        environment={**os.environ, **storage.environment(secrets)},
        log=layout.log("storage"),
        directory=layout.root,
        ready=storage_ready(
            ports.s3_port,
            ports.catalog_port,
            storage.WAREHOUSE,
            secrets.s3_access_key,
            secrets.s3_secret_key.get_secret_value(),
        ),
        port=ports.s3_port,
        stop_within_seconds=4.0,
        watch=lambda: FullDiskWatch(layout.log("storage"), layout.storage),
    )


def _broker(layout: Layout, ports: PortSettings, common: Mapping[str, str]) -> Child:
    return Child(
        name="broker",
        arguments=_python(
            "deploy.embedded.broker",
            "--data-dir",
            str(layout.broker),
            "--port",
            str(ports.broker_port),
            "--admin-port",
            str(ports.broker_admin_port),
        ),
        environment=common,
        log=layout.log("broker"),
        directory=layout.root,
        ready=http_ready(ports.broker_admin_port, "/v1/status/ready"),
        port=ports.broker_port,
        metrics_port=ports.broker_admin_port,
        stop_within_seconds=4.0,
    )


def _service(
    service: Service,
    replica: int,
    layout: Layout,
    ports: PortSettings,
    common: Mapping[str, str],
) -> Child:
    name = service.name if replica == 0 else f"{service.name}-{replica}"
    port = ports.service(service.name, replica)
    return Child(
        name=name,
        arguments=_python(service.module),
        environment={
            **common,
            f"BERGLINE_{service.name.upper()}_PORT": str(port),
            **({service.numbered: str(replica)} if service.numbered else {}),
        },
        log=layout.log(name),
        directory=layout.root,
        ready=http_ready(port, "/readyz"),
        after=service.after,
        port=port,
        metrics_port=port,
        service=service.name,
        replica=replica,
        nice=service.nice,
    )
