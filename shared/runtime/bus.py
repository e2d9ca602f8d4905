"""Publishing: one producer per process, every record acknowledged by the broker before we go on."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaProducer

from shared.contracts.event import Event
from shared.runtime.settings import Settings


def connection(settings: Settings) -> dict[str, Any]:
    """Connection arguments of every aiokafka client."""
    arguments: dict[str, Any] = {"bootstrap_servers": settings.brokers}
    if settings.broker_username and settings.broker_password:
        arguments.update(
            security_protocol="SASL_SSL" if settings.broker_tls else "SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username=settings.broker_username,
            sasl_plain_password=settings.broker_password.get_secret_value(),
        )
    elif settings.broker_tls:
        arguments["security_protocol"] = "SSL"
    if settings.broker_tls:
        import ssl

        arguments["ssl_context"] = ssl.create_default_context()
    return arguments


def producer(settings: Settings, service: str, **overrides: Any) -> AIOKafkaProducer:
    """Idempotent producer with acks=all; not started.

    ``request_timeout_ms`` bounds how long one produce may stay unanswered.
    """
    return AIOKafkaProducer(
        **{
            **connection(settings),
            "client_id": settings.environment.group(service),
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": 3,
            "max_batch_size": 256 * 1024,
            "max_request_size": 4 * 1024 * 1024,
            "request_timeout_ms": 10_000,
            **overrides,
        }
    )


async def publish(producer: AIOKafkaProducer, settings: Settings, topic: str, event: Event) -> None:
    """Send one event and wait until the broker has it.

    Raises:
        aiokafka.errors.KafkaError: it was not acknowledged; the outcome may be unknown.
    """
    key, value, headers = event.encode()
    await producer.send_and_wait(
        settings.environment.topic(topic), value=value, key=key, headers=headers
    )


async def erase(producer: AIOKafkaProducer, settings: Settings, topic: str, key: str) -> None:
    """Send a tombstone: a compacted topic forgets the key. As :func:`publish`."""
    await producer.send_and_wait(settings.environment.topic(topic), value=None, key=key.encode())
