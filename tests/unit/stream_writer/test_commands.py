"""Which commands a worker carries out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from services.stream_writer.handlers import Handlers
from services.stream_writer.table_stream import TableStream
from shared.contracts.commands import Action, CommandIssued
from shared.contracts.environment import Environment
from shared.contracts.identity import uuid7

KEY = "an operator's key"


@dataclass
class Stream:
    resumed: list[str] = field(default_factory=list)

    def resume(self) -> None:
        self.resumed.append("now")


@dataclass
class Record:
    value: bytes
    offset: int = 0


def carried_out(key: str = KEY, action: Action = "resume_topic", **changes: Any) -> bool:
    stream = Stream()
    handlers = Handlers({"raw.shopify_orders": cast("TableStream", stream)}, Environment(), KEY)
    command = CommandIssued(
        **{
            "command_id": uuid7(),
            "service": "stream_writer",
            "action": action,
            "target": "shopify.orders",
            "actor": "a test",
            "issued_at": datetime.now(UTC),
            **changes,
        }
    ).signed(key)
    handlers.on_command(Record(command.encode()[1]))
    return bool(stream.resumed)


def test_a_stopped_topic_is_resumed() -> None:
    assert carried_out()


@pytest.mark.parametrize(
    "different",
    [
        {"key": "another key"},
        {"action": "refresh"},
        {"service": "transformer"},
        {"target": "no.topic"},
    ],
    ids=lambda each: next(iter(each)),
)
def test_any_other_command_is_ignored(different: dict[str, Any]) -> None:
    assert not carried_out(**different)
