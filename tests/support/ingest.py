"""A running ingest process, vendors' signatures, and what arrived on a topic."""

from __future__ import annotations

import base64
import hmac
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

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from services.ingest.source_settings import secrets_variable
from shared.sources.registry import SOURCES
from shared.sources.topics import TOPICS
from tests.support.broker import free_port
from tests.support.tied import tied

SHOPIFY_SECRET = "shpss_test_secret"
STRIPE_SECRET = "whsec_test_secret"
TOKEN = "an invented token of exports"
SECRETS = {
    secrets_variable(source.name): source.examples[0].secret if source.examples else TOKEN
    for source in SOURCES.values()
}
"""Every source's secret: the one of its examples, which for these two are the same as above."""
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


def shopify_signature(body: bytes, secret: str = SHOPIFY_SECRET) -> dict[str, str]:
    """The header that Shopify would send."""
    digest = hmac.digest(secret.encode(), body, "sha256")
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}


def stripe_signature(
    body: bytes, secret: str = STRIPE_SECRET, at: float | None = None
) -> dict[str, str]:
    """The header that Stripe would send; ``at`` is unix seconds, now by default."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256")
    return {"Stripe-Signature": f"t={timestamp},v1={digest.hex()}"}


def hubspot_signature(
    path: str, body: bytes, *, base: str, secret: str, at: float | None = None
) -> dict[str, str]:
    """The headers that HubSpot would send to an address that begins with ``base``."""
    timestamp = str(int((time.time() if at is None else at) * 1000))
    message = f"POST{base}{path}".encode() + body + timestamp.encode()
    digest = hmac.digest(secret.encode(), message, "sha256")
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": timestamp,
    }


def standard_signature(body: bytes, *, identity: str, secret: str) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    timestamp = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def signature(path: str, body: bytes) -> dict[str, str]:
    """The right vendor's header for a route."""
    return shopify_signature(body) if "/shopify/" in path else stripe_signature(body)


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
            time.sleep(0.02)

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


def create_topics(bootstrap: str) -> None:
    """Every declared topic with its configuration; those that exist stay."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    existing = admin.list_topics(timeout=DEADLINE_SECONDS).topics
    missing = [
        NewTopic(topic.name, topic.partitions, 1, config=topic.configs())
        for topic in TOPICS.values()
        if topic.name not in existing
    ]
    for created in admin.create_topics(missing).values() if missing else ():
        created.result(DEADLINE_SECONDS)


def create_topic(bootstrap: str, topic: str, config: Mapping[str, str]) -> None:
    """One declared topic with another configuration."""
    new = NewTopic(topic, TOPICS[topic].partitions, 1, config=dict(config))
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([new])[topic].result(DEADLINE_SECONDS)


def delete_topic(bootstrap: str, topic: str) -> None:
    """Delete a topic and wait until the broker does not name it."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.delete_topics([topic])[topic].result(DEADLINE_SECONDS)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One record as a consumer gets it."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: dict[str, bytes]


class Tail:
    """Reads the records that reach a topic after this was made; ``whole`` reads all there are."""

    def __init__(self, bootstrap: str, topic: str, *, whole: bool = False) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "unused",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self.existing = 0
        partitions = [TopicPartition(topic, n) for n in range(TOPICS[topic].partitions)]
        for partition in partitions:
            start, end = self._consumer.get_watermark_offsets(partition, timeout=DEADLINE_SECONDS)
            partition.offset = start if whole else end
            self.existing += end - start
        self._consumer.assign(partitions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def take(self, count: int) -> list[Arrived]:
        """The next ``count`` records; fails when they do not come in time."""
        out: list[Arrived] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(out) < count:
            assert time.monotonic() < deadline, f"{len(out)} of {count} records arrived"
            message = self._consumer.poll(0.1)
            if message is not None:
                out.append(_arrived(message))
        return out


def _arrived(message: Message) -> Arrived:
    assert message.error() is None, message.error()
    headers: Any = message.headers() or []
    return Arrived(
        message.partition() or 0,
        message.offset() or 0,
        message.key() or b"",
        message.value() or b"",
        dict(headers),
    )
