"""Send bytes of dead letters once more, and tell of each that it was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from shared.contracts.dead_letters import DeadLetterHandled
from shared.contracts.topics import DEAD_LETTERS_HANDLED, MAX_RECORD_BYTES
from shared.runtime import bus
from shared.runtime.broker_clients import answering
from shared.runtime.settings import Settings

Headers = list[tuple[str, bytes]]

Place = tuple[str, int, int]
"""(topic, partition, offset)."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A record as it will be sent.

    Attributes:
        letter_id: the dead letter that it is of.
        delivery_id: follows from the dead letter and ``value``.
        topic: logical topic.
        partition: where it goes.
        edited: whether the bytes are others than the letter's.
    """

    letter_id: str
    delivery_id: str
    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: Headers
    edited: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one: where its record stands, and whether it was there before."""

    sending: Sending
    place: Place
    before: bool


async def resend(
    settings: Settings,
    sendings: Sequence[Sending],
    before: Mapping[str, Place],
    *,
    actor: str,
    reason: str,
    told: Callable[[Sent], None] = lambda _: None,
) -> list[Sent]:
    """Send what was not sent before, one after the other, and record each.

    Args:
        settings: where the broker is.
        sendings: what to send.
        before: where those stand that were sent before; these are only recorded.
        actor, reason: kept in the record.
        told: what became of each, as it happens.

    Raises:
        Unavailable: the broker did not acknowledge; what was told of is done, and the same
            command goes on with the rest.
    """
    done: list[Sent] = []
    producer = bus.producer(settings, "cli", max_request_size=MAX_RECORD_BYTES)
    with answering(settings):
        try:
            await producer.start()
            for sending in sendings:
                place = before.get(sending.delivery_id)
                sent = Sent(
                    sending, place or await _send(producer, settings, sending), place is not None
                )
                await record(producer, settings, sent, actor, reason)
                done.append(sent)
                told(sent)
        finally:
            await producer.stop()
    return done


async def _send(producer: AIOKafkaProducer, settings: Settings, sending: Sending) -> Place:
    acknowledged = await producer.send_and_wait(
        settings.environment.topic(sending.topic),
        value=sending.value,
        key=sending.key,
        partition=sending.partition,
        headers=sending.headers,
    )
    return sending.topic, sending.partition, acknowledged.offset


async def record(
    producer: AIOKafkaProducer, settings: Settings, sent: Sent, actor: str, reason: str
) -> None:
    """Tell that a dead letter was replayed, for its table."""
    topic, partition, offset = sent.place
    handled = DeadLetterHandled(
        action="replayed",
        handling_id=sent.sending.delivery_id,
        letter_id=sent.sending.letter_id,
        delivery_id=sent.sending.delivery_id,
        topic=topic,
        partition=partition,
        offset=offset,
        edited=sent.sending.edited,
        actor=actor,
        reason=reason,
        handled_at=datetime.now(UTC),
    )
    await bus.publish(producer, settings, DEAD_LETTERS_HANDLED, handled)
