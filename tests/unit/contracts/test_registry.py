"""Every event type is declared once, and topics name only declared ones."""

import importlib
import pkgutil
from dataclasses import replace
from typing import ClassVar

import pytest

from shared import contracts
from shared.contracts.commands import CommandIssued
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.event import Event
from shared.contracts.registry import (
    EVENTS,
    WIRE_TYPES,
    by_class_name,
    by_wire_type,
    require_known,
)
from shared.contracts.tables import TableCommitted
from shared.contracts.topics import COMMITS
from shared.sources.topics import TOPICS


def test_every_event_class_of_the_package_is_registered() -> None:
    found: set[type[Event]] = set()
    for module in pkgutil.iter_modules(contracts.__path__, "shared.contracts."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Event) and value is not Event:
                found.add(value)
    assert found == set(EVENTS.values()) == set(WIRE_TYPES.values())


def test_wire_types_are_looked_up_as_ce_type_is_written() -> None:
    assert WIRE_TYPES["lakehouse.table.committed.v1"] is TableCommitted


def test_two_types_of_one_class_name_are_refused() -> None:
    twin = type("DeadLetter", (DeadLetter,), {})
    with pytest.raises(ValueError, match="two event types are named DeadLetter"):
        by_class_name([DeadLetter, twin])


def test_two_types_of_one_wire_type_are_refused() -> None:
    class Refused(DeadLetter):
        pass

    with pytest.raises(ValueError, match="DeadLetter and Refused share wire type"):
        by_wire_type([DeadLetter, Refused])


@pytest.mark.parametrize("wire_type", ["lakehouse.table.committed", "Table.v1", "lakehouse.a.v0"])
def test_a_wire_type_without_words_and_version_is_refused(wire_type: str) -> None:
    class Unversioned(CommandIssued):
        type: ClassVar[str] = wire_type

    with pytest.raises(ValueError, match="Unversioned: wire type"):
        by_wire_type([Unversioned])


def test_a_topic_of_an_unknown_event_type_is_refused() -> None:
    misspelt = replace(TOPICS[COMMITS], values=("TableComitted",))
    with pytest.raises(ValueError, match=r"lakehouse\.commits carries unknown event type"):
        require_known([misspelt], EVENTS)


def test_an_event_type_without_a_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="no topic carries event type"):
        require_known([TOPICS[COMMITS]], EVENTS)
