"""Raw Kafka frames for tests: an encoder and decoder that share nothing with the broker."""

import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TypeVar

import crc32c

T = TypeVar("T")


def int8(value: int) -> bytes:
    return struct.pack(">b", value)


def int16(value: int) -> bytes:
    return struct.pack(">h", value)


def int32(value: int) -> bytes:
    return struct.pack(">i", value)


def int64(value: int) -> bytes:
    return struct.pack(">q", value)


def string(value: str | None) -> bytes:
    return int16(-1) if value is None else int16(len(value.encode())) + value.encode()


def data(value: bytes | None) -> bytes:
    return int32(-1) if value is None else int32(len(value)) + value


def array(items: Iterable[T], item: Callable[[T], bytes]) -> bytes:
    encoded = [item(each) for each in items]
    return int32(len(encoded)) + b"".join(encoded)


def varint(value: int) -> bytes:
    zigzag, out = (value << 1) ^ (value >> 63), bytearray()
    while zigzag > 127:
        out.append(zigzag & 127 | 128)
        zigzag >>= 7
    return bytes([*out, zigzag])


def record(number: int, key: bytes | None, value: bytes | None, timestamp_delta: int = 0) -> bytes:
    body = b"\0" + varint(timestamp_delta) + varint(number)
    for part in (key, value):
        body += varint(-1) if part is None else varint(len(part)) + part
    body += varint(0)
    return varint(len(body)) + body


def batch(
    records: Sequence[tuple[bytes | None, bytes | None]],
    *,
    producer: tuple[int, int, int] = (-1, -1, -1),
    timestamp: int | None = None,
    attributes: int = 0,
    base_offset: int = 0,
    magic: int = 2,
    payload: bytes | None = None,
) -> bytes:
    """A batch of (key, value); ``producer`` is (id, epoch, first sequence)."""
    now = int(time.time() * 1000) if timestamp is None else timestamp
    encoded = b"".join(record(number, *each) for number, each in enumerate(records))
    count = len(records)
    producer_id, epoch, sequence = producer
    checked = int16(attributes) + int32(count - 1) + int64(now) * 2 + int64(producer_id)
    checked += int16(epoch) + int32(sequence) + int32(count)
    checked += encoded if payload is None else payload
    body = int32(-1) + int8(magic) + struct.pack(">I", crc32c.crc32c(checked)) + checked
    return int64(base_offset) + int32(len(body)) + body


class Answer:
    """Reads the fields of one answer."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.position = 0

    def number(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self.content, self.position)
        self.position += struct.calcsize(layout)
        return int(value)

    def int8(self) -> int:
        return self.number(">b")

    def int16(self) -> int:
        return self.number(">h")

    def int32(self) -> int:
        return self.number(">i")

    def int64(self) -> int:
        return self.number(">q")

    def string(self) -> str | None:
        length = self.int16()
        return None if length < 0 else self.take(length).decode()

    def data(self) -> bytes | None:
        length = self.int32()
        return None if length < 0 else self.take(length)

    def array(self, item: Callable[[], T]) -> list[T]:
        return [item() for _ in range(self.int32())]

    def take(self, length: int) -> bytes:
        start, self.position = self.position, self.position + length
        return self.content[start : self.position]


class RawConnection:
    """A socket that speaks in frames."""

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self._correlation = 0

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send_bytes(self, content: bytes) -> None:
        self.socket.sendall(content)

    def send(self, api: int, version: int, body: bytes) -> int:
        """Send a request; its correlation id."""
        self._correlation += 1
        head = int16(api) + int16(version) + int32(self._correlation) + string("raw")
        self.socket.sendall(int32(len(head) + len(body)) + head + body)
        return self._correlation

    def receive(self) -> Answer:
        """The next answer, correlation id not yet read; raises EOFError when closed."""
        (size,) = struct.unpack(">i", self._exactly(4))
        return Answer(self._exactly(size))

    def ask(self, api: int, version: int, body: bytes) -> Answer:
        """Send, receive, check the correlation id."""
        correlation = self.send(api, version, body)
        answer = self.receive()
        assert answer.int32() == correlation
        return answer

    def is_closed(self) -> bool:
        """Whether the other side closes instead of answering."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _exactly(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            chunk = self.socket.recv(count - len(content))
            if not chunk:
                raise EOFError("connection closed")
            content += chunk
        return content
