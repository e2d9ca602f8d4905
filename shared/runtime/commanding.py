"""Issue a signed operator command."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from shared.contracts.commands import Action, CommandIssued
from shared.contracts.identity import uuid7
from shared.contracts.topics import COMMANDS
from shared.runtime import bus
from shared.runtime.broker_clients import answering
from shared.runtime.errors import ConfigurationError
from shared.runtime.settings import Settings


async def issue(
    settings: Settings,
    *,
    service: str,
    action: Action,
    target: str,
    actor: str,
    arguments: Mapping[str, str] | None = None,
) -> CommandIssued:
    """Publish one command and return it, after the broker has acknowledged it.

    Raises:
        ConfigurationError: there is no operator key to sign with.
        Unavailable: the broker did not acknowledge; the command may or may not be carried out.
    """
    if settings.operator_key is None:
        raise ConfigurationError(
            "BERGLINE_OPERATOR_KEY is not set: services ignore unsigned commands",
            "set the key that the services have (the embedded platform keeps it in its data "
            "directory: check BERGLINE_DATA_DIR)",
        )
    command = CommandIssued(
        command_id=uuid7(),
        service=service,
        action=action,
        target=target,
        arguments=dict(arguments or {}),
        actor=actor,
        issued_at=datetime.now(UTC),
    ).signed(settings.operator_key.get_secret_value())
    producer = bus.producer(settings, "cli")
    with answering(settings):
        try:
            await producer.start()
            await bus.publish(producer, settings, COMMANDS, command)
        finally:
            await producer.stop()
    return command
