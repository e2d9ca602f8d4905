"""stream_writer, as it is run everywhere: payload, typed columns, envelope, positions, drift."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from shared.runtime.errors import CheckFailed
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES
from tests.bench.peers.contestant import Contestant, wait_for
from tests.support.worker_ports import free_port

ORDERS = TABLES["raw.shopify_orders"]

START_SECONDS = 60.0
_ROOT = Path(__file__).parents[3]


class StreamWriter(Contestant):
    """One worker with its own defaults."""

    name = "bergline"
    title = "stream_writer, with the payload"
    table = ORDERS.name

    def __init__(self, settings: Settings, directory: Path) -> None:
        super().__init__(settings, directory)
        self._port = free_port()

    def prepare(self) -> None:
        """All our topics and tables."""
        done = subprocess.run(
            [sys.executable, "-m", "shared.cli", "bootstrap", "--wait", "30"],
            env=self._environment(),
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CheckFailed("topics and tables were not made", done.stderr)

    def start(self, commit_seconds: int) -> None:
        """A worker of the group; commits also when 32 MiB are there."""
        variables = {
            **self._environment(),
            "BERGLINE_STREAM_WRITER_PORT": str(self._port),
            "BERGLINE_STREAM_WRITER_MAX_AGE_S": str(commit_seconds),
        }
        command = [sys.executable, "-P", "-m", "services.stream_writer"]
        self._launch(command, environment=variables)
        wait_for(self._ready, "stream_writer is ready", START_SECONDS)

    def _ready(self) -> bool:
        self.check()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2).close()
        except OSError:
            return False
        return True

    def _environment(self) -> dict[str, str]:
        settings = self.settings
        assert settings.catalog_credential is not None
        assert settings.s3_secret_key is not None
        kept = {name: value for name, value in os.environ.items() if "BERGLINE" not in name}
        return {
            **kept,
            "MALLOC_ARENA_MAX": "2",
            "BERGLINE_DATA_DIR": str(self.directory),
            "BERGLINE_BROKERS": settings.brokers,
            "BERGLINE_CATALOG_URI": settings.catalog_uri,
            "BERGLINE_CATALOG_WAREHOUSE": settings.catalog_warehouse,
            "BERGLINE_CATALOG_CREDENTIAL": settings.catalog_credential.get_secret_value(),
            "BERGLINE_S3_ENDPOINT": settings.s3_endpoint or "",
            "BERGLINE_S3_ACCESS_KEY": settings.s3_access_key or "",
            "BERGLINE_S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        }
