"""A running ingest process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.broker import free_port
from tests.support.tied import tied
from tests.support.vendor_signatures import SECRETS, signature

DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class IngestProcess:
    """``python -m services.ingest`` on a free port; a context manager that always ends it."""

    def __init__(self, directory: Path, brokers: str, **environment: str) -> None:
        self.port = free_port()
        self.log_file = directory / "ingest.log"
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("BERGLINE_")},
            "BERGLINE_DATA_DIR": str(directory),
            "BERGLINE_BROKERS": brokers,
            "BERGLINE_INGEST_PORT": str(self.port),
            **SECRETS,
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                tied(sys.executable, "-m", "services.ingest"),
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=Path(__file__).parents[2],
            )
        try:
            self.wait_until(self._answers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        """All that the process has written."""
        return self.log_file.read_text()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Poll until the condition holds; fails with the log after the deadline."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert self.process is not None
            code = self.process.poll()
            assert code is None, f"ingest ended with {code}:\n{self.log()}"
            assert time.monotonic() < deadline, f"condition not met in time:\n{self.log()}"
            time.sleep(0.05)

    def wait_ready(self) -> None:
        """Wait until ``/readyz`` answers 200."""
        self.wait_until(lambda: self.get("/readyz").status == 200)

    def get(self, path: str) -> Answer:
        """GET a path."""
        return self.request("GET", path)

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """POST a body; signed as the vendor of the route does unless headers are given."""
        signed = signature(path, body) if headers is None else headers
        return self.request("POST", path, body, signed)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        started = time.monotonic()
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(
                response.status,
                dict(response.getheaders()),
                response.read(),
                time.monotonic() - started,
            )
        finally:
            connection.close()

    def metric(self, line: str) -> float:
        """Value of one line of ``/metrics``; 0 when it is not there."""
        for found in self.get("/metrics").body.decode().splitlines():
            name, _, value = found.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_SECONDS)

    def _answers(self) -> bool:
        try:
            return self.get("/livez").status == 200
        except OSError:
            return False
