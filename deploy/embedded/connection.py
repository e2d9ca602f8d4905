"""How what runs finds the embedded platform: its connection file, and what contradicts it."""

from __future__ import annotations

import os
import re

from deploy.embedded import storage
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.ports import HOST, PortSettings
from deploy.embedded.secrets import Secrets
from shared.runtime.errors import ConfigurationError


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
