"""A client without manners: it asks one API once, in one version, and takes what comes.

Requests and answers are written and read with the embedded broker's own message texts: a real
Kafka that is asked the same holds those to be right.
"""

import struct
import threading
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from confluent_kafka import KafkaError

from deploy.embedded.broker.apis import APIS
from deploy.embedded.broker.schema import message
from deploy.embedded.broker.wire import Reader, Writer
from tests.contracts.broker.kafka import LOADING, settled, wait_for_logs
from tests.support.broker_process import BrokerProcess
from tests.support.kafka_wire import RawConnection

T = TypeVar("T")

_APIS = {api.name: api for api in APIS.values()}
_BATCH_HEADER_BYTES = 61
WITHIN_SECONDS = 30.0


class BareClient:
    """One connection; its topics and groups have names of their own."""

    def __init__(self, broker: BrokerProcess) -> None:
        self._broker = broker
        self._connection = RawConnection(broker.bootstrap, WITHIN_SECONDS)
        self.unique = uuid.uuid4().hex[:8]

    def __enter__(self) -> "BareClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.socket.close()

    def another(self) -> "BareClient":
        """A second connection to the same broker."""
        return BareClient(self._broker)

    def ask(self, api: str, version: int, **fields: Any) -> Any:
        """The answer, its fields as attributes."""
        described = _APIS[api]
        writer = Writer()
        message(described.request, version).write(writer, fields)
        body = b"".join(writer.frame(0))[8:]
        correlation = self._connection.send(described.key, version, body)
        reader = Reader(self._connection.receive().content)
        assert reader.int32() == correlation
        answer = message(described.answer, version).read(reader)
        assert reader.remaining == 0
        return answer

    def name(self, stem: str) -> str:
        """A name that nobody else uses."""
        return f"{stem}-{self.unique}"

    def topic(self, stem: str = "topic", partitions: int = 1, **configs: str) -> str:
        """A new topic whose logs answer.

        It keeps its records unless told otherwise: the scenarios' are of years ago, and retention
        may come by at any moment.
        """
        name = self.name(stem)
        configs.setdefault("retention_ms", "-1")
        entries = [{"name": key.replace("_", "."), "value": configs[key]} for key in configs]
        new = {
            "name": name,
            "partitions": partitions,
            "replication_factor": 1,
            "configs": entries,
        }
        answer = self.ask("CreateTopics", 4, topics=[new], timeout_ms=10_000)
        assert [each.error_code for each in answer.topics] == [0]
        wait_for_logs(self._connection, name, partitions)
        return name

    def coordinator(self, group: str) -> None:
        """Wait until the group has its coordinator."""

        def ask() -> tuple[int, None]:
            error = self.ask("FindCoordinator", 1, key=group).error_code
            if not error:  # found, but perhaps still loading
                error = self.ask("OffsetFetch", 2, group_id=group, topics=None).error_code
            return error if error in LOADING else 0, None

        settled(ask)

    def plain(self, text: str | None) -> str:
        """A text of the broker's without what differs from run to run."""
        return (text or "").replace(f"-{self.unique}", "")


class Waiting:
    """A question that is asked from another connection while others are asked here."""

    def __init__(self, client: BareClient, question: Callable[[BareClient], str]) -> None:
        self._found: list[str] = []
        self._client = client.another()
        self._client.unique = client.unique
        self._question = question
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        with self._client:
            self._found.append(self._question(self._client))

    def answer(self) -> str:
        """The answer, once it is there."""
        self._thread.join(WITHIN_SECONDS)
        return self._found[0]


def error_name(code: int) -> str:
    """The protocol's name of an error code, as librdkafka spells it; ``ok`` for none."""
    return "ok" if code == 0 else str(KafkaError(code).name())


def first(answer: Any) -> Any:
    """The first partition of the first topic of an answer."""
    return answer.topics[0].partitions[0]


def offsets_of(records: bytes) -> str:
    """The offsets of fetched batches, such as ``0-4 5-9``; ``…`` marks one that is cut short."""
    found, position = [], 0
    while position + _BATCH_HEADER_BYTES <= len(records):
        base, length = struct.unpack_from(">qi", records, position)
        (last,) = struct.unpack_from(">i", records, position + 23)
        position += 12 + length
        cut = "…" if position > len(records) else ""
        found.append(f"{base}-{base + last}{cut}")
    return " ".join(found) or "nothing"
