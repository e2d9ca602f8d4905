"""What is sent for a dead letter: its record once more, or the record that a request should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import orjson

from shared.contracts.dead_letters import REPLAYED_FROM, REPLAYED_FROM_ATTRIBUTE
from shared.contracts.envelope import MAY_REPEAT, Envelope
from shared.contracts.topics import DEAD_LETTERS
from shared.lake.dead_letters.letters import Letter
from shared.lake.dead_letters.replaying import delivery_id
from shared.runtime.errors import Refused
from shared.runtime.resending import Headers, Sending
from shared.sources.registry import SOURCES
from shared.sources.spec import Delivery, Endpoint, Malformed, SourceSpec
from shared.tables.registry import landing_tables

Partitions = Mapping[str, Sequence[int]]
"""Partition numbers by logical topic."""

_OURS = frozenset({"delivery_id", REPLAYED_FROM, MAY_REPEAT})
_HINT = "`bergline dlq show {id}` shows it; send corrected bytes with --with FILE"


def sendings(letter: Letter, partitions: Partitions, given: bytes | None = None) -> list[Sending]:
    """What is sent for a letter.

    The bytes of a record go to the topic and partition where it stood, under the headers that it
    had; where the broker never took it, to the partition of its key. Those of a refused request are
    read as ingest reads them, and go where it would have put them. Both say which letter they are
    of.

    Args:
        letter: with its value.
        partitions: of every topic that records may go to.
        given: bytes to send in the place of the letter's.

    Raises:
        Refused: it cannot be sent, or not as it is.
    """
    hint = _HINT.format(id=letter.id)
    if not letter.readable:
        raise Refused(
            f"{letter.id} is no dead letter: what stands there on {DEAD_LETTERS} could not be read",
            "whoever wrote it must write it anew; `bergline dlq purge` removes it",
        )
    if letter.left_out and given is None:
        raise Refused(
            f"{letter.id}: parts of the record were too large to be carried by a dead letter",
            f"the row of {letter.topic}/{letter.partition}/{letter.offset} has them; {hint}",
        )
    value = given if given is not None else letter.value or b""
    edited = value != (letter.value or b"")
    if letter.offset is None and letter.stage != "sending":
        return _of_request(letter, partitions, value, edited, hint)
    return [_of_record(letter, partitions, value, edited)]


def _of_record(letter: Letter, partitions: Partitions, value: bytes, edited: bool) -> Sending:
    topic, partition = letter.topic, letter.partition
    if letter.offset is None and (numbers := partitions.get(topic or "")):
        partition = crc32(letter.record_key or b"") % len(numbers)  # as ingest does
    landing = {name for spec in landing_tables() for name in spec.topics} - {DEAD_LETTERS}
    if topic not in landing or partition is None:
        raise Refused(f"{letter.id}: no table is filled from a topic {topic!r}")
    if partition not in partitions.get(topic, ()):
        raise Refused(f"{letter.id}: {topic} has no partition {partition} any more")
    each = delivery_id(letter, value)
    headers: Headers = [
        (name, text.encode()) for name, text in letter.headers.items() if name not in _OURS
    ]
    headers += [
        ("delivery_id", each.encode()),
        (REPLAYED_FROM, letter.id.encode()),
        (MAY_REPEAT, b"1"),
    ]
    return Sending(letter.id, each, topic, partition, letter.record_key, value, headers, edited)


def _of_request(
    letter: Letter, partitions: Partitions, value: bytes, edited: bool, hint: str
) -> list[Sending]:
    try:
        source, deliveries = _read(letter, value)
    except Malformed as malformed:
        raise Refused(
            f"{letter.id} was refused when it came in, and still is: {malformed.detail}", hint
        ) from None
    found = []
    for number, delivery in enumerate(deliveries):
        each = delivery_id(letter, value, number)
        key = delivery.key.encode()
        numbers = partitions.get(delivery.topic, ())
        if not numbers:
            raise Refused(f"the broker has no topic {delivery.topic}", "run `bergline bootstrap`")
        headers = Envelope(
            id=delivery.event_id,
            type=delivery.event_type,
            source=source.name,
            time=delivery.event_time,
            subject=delivery.key,
            content_type="application/json",
            received_at=letter.failed_at,
            delivery_id=each,
            extensions=(*delivery.extensions, (REPLAYED_FROM_ATTRIBUTE, letter.id)),
        ).headers()
        found.append(
            Sending(
                letter.id,
                each,
                delivery.topic,
                crc32(key) % len(numbers),  # as ingest does, so that its key stays in order
                key,
                value if delivery.value is None else delivery.value,
                [*headers, (MAY_REPEAT, b"1")],
                edited,
            )
        )
    return found


def _read(letter: Letter, value: bytes) -> tuple[SourceSpec, Sequence[Delivery]]:
    """What the endpoint makes of the bytes that the letter's topic is filed by.

    Raises:
        Malformed: it cannot read them.
        Refused: no source has that topic, or the bytes are no JSON object.
    """
    source, endpoint = _endpoint(letter)
    try:
        payload = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Refused(
            f"{letter.id}: the bytes are no JSON: {error.msg}", _HINT.format(id=letter.id)
        ) from None
    if not isinstance(payload, dict):
        raise Refused(f"{letter.id}: the bytes are no JSON object", _HINT.format(id=letter.id))
    found = endpoint.read(_AnyCase(letter.headers), payload, value)
    return source, (found,) if isinstance(found, Delivery) else tuple(found)


def _endpoint(letter: Letter) -> tuple[SourceSpec, Endpoint]:
    """The first endpoint that feeds the letter's topic, best one that files under it what it
    cannot tell. Another one might take what this one refuses, and put it elsewhere."""
    found = [
        (source, endpoint)
        for source in SOURCES.values()
        for endpoint in source.endpoints
        if letter.topic in endpoint.topics
    ]
    if not found:
        raise Refused(f"{letter.id}: no source has a topic {letter.topic!r}")
    return min(found, key=lambda each: each[1].topics[0] != letter.topic)


class _AnyCase(dict[str, str]):
    """Request headers that are looked up without regard to case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): text for name, text in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """The header of that name."""
        return super().get(name.lower(), default)
