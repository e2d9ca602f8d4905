"""What the embedded platform consists of: one plan of children.

Storage and broker start together; ``bootstrap`` waits for both and makes topics and tables once;
then the services start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from deploy.embedded import storage
from deploy.embedded.full_disk import FullDiskWatch
from deploy.embedded.layout import Layout
from deploy.embedded.ports import PortSettings
from deploy.embedded.probes import http_ready, storage_ready
from deploy.embedded.processes import Child
from deploy.embedded.secrets import Secrets
from deploy.embedded.services import SERVICES, Service
from shared.runtime.settings import DATA_DIR_VARIABLE
from shared.sources.project import PROJECT_VARIABLE, project_dir

STORAGE_PATH_VARIABLE = "BERGLINE_ALERTER_STORAGE_PATH"
"""Tells alerter whose free room is the object store's."""
EXPECTED_SERVICES_VARIABLE = "BERGLINE_ALERTER_EXPECTED_SERVICES"
"""Tells alerter which services are meant to run."""


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
