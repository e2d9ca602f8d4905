"""A real Prometheus that scrapes processes of a test."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

PROGRAM = shutil.which("prometheus")
needs_prometheus = pytest.mark.skipif(
    PROGRAM is None, reason="prometheus is not installed (Debian: prometheus)"
)
START_S = 60.0
_POLL_S = 0.2


class Prometheus:
    """A running server; ``url`` without a path."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Series of an expression now."""
        found = self._get("query", query=expression)
        return list(found["result"]) if found["resultType"] == "vector" else [found]

    def over_time(self, expression: str, start: float, step_s: float) -> list[dict[str, Any]]:
        """Series of an expression from ``start`` (unix seconds) until now."""
        until = time.time()
        found = self._get("query_range", query=expression, start=start, end=until, step=step_s)
        return list(found["result"])

    def families(self) -> dict[str, str]:
        """Types of all metric families that targets tell of, those without a series included."""
        found = self._get("metadata")
        return {name: str(kinds[0]["type"]) for name, kinds in found.items()}

    def until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
            time.sleep(_POLL_S)

    def _get(self, page: str, **parameters: object) -> Any:
        asked = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{page}?{asked}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None


@contextlib.contextmanager
def prometheus(directory: Path, targets: Mapping[str, str]) -> Iterator[Prometheus]:
    """A server that scrapes these jobs (``host:port`` each) every second."""
    assert PROGRAM is not None
    configuration = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]}
            for job, target in targets.items()
        ],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = _free_port()
    server = Prometheus(f"http://127.0.0.1:{port}")
    with (directory / "prometheus.log").open("wb") as output:
        process = subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:

            def ready() -> bool:
                assert process.poll() is None, (directory / "prometheus.log").read_text()
                with contextlib.suppress(OSError):
                    return len(server.query("up == 1")) == len(targets)
                return False

            server.until(ready, START_S, "every target is scraped")
            yield server
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
