"""The audit of a broker that was away notices what it is there for: each fault is planted alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.broker_away.order_audit import audit_order, ordered
from tests.chaos.test_audit import World, world

__all__ = ["world"]

KEYS = 2


class Sent(World):
    """The same world; of every second delivery the key is the same, each sent after the last."""

    def found(self) -> set[str]:
        """Rules that do not hold, those of order among them."""
        evidence = self.evidence()
        return super().found() | {violation.rule for violation in audit_order(evidence)}


@pytest.fixture
def sent(world: World) -> Sent:
    made = Sent(**{name: getattr(world, name) for name in World.__dataclass_fields__})
    for number, line in enumerate(made.ledger):
        times = {"sent_at": float(number), "answered_at": number + 0.5}
        line |= {"instance": 0, "key": f"key {number % KEYS}"} | times
    return made


def at(rows: list[dict[str, Any]], offset: int) -> dict[str, Any]:
    return next(row for row in rows if row["offset"] == offset)


def swap(world: Sent, one: int, other: int) -> None:
    """The records of two offsets have changed places."""
    first, second = at(world.rows, one), at(world.rows, other)
    first["offset"], second["offset"] = other, one


def test_a_world_in_order_breaks_no_rule(sent: Sent) -> None:
    assert sent.found() == set()
    assert ordered(sent.evidence()) == len(sent.ledger) - KEYS


def test_a_record_that_the_spool_lost(sent: Sent) -> None:
    """It was answered 2xx, and never came to the broker: the log itself is whole."""
    lost = sent.rows.pop()
    sent.logs[0]["log_end"] -= 1
    sent.positions[-1]["next"] -= 1
    sent.snapshots[-1]["added_rows"] -= 1
    assert lost["offset"] == sent.logs[0]["log_end"]
    assert sent.found() == {"an acknowledged delivery is a row", "an acknowledged event is there"}


def test_two_records_of_a_key_in_the_wrong_order(sent: Sent) -> None:
    swap(sent, 4, 6)
    assert sent.found() == {"what was sent after an answer lies behind it"}


def test_a_record_that_waited_in_the_spool_while_later_ones_passed(sent: Sent) -> None:
    late = at(sent.rows, 2)
    for offset in range(3, 12):
        at(sent.rows, offset)["offset"] -= 1
    late["offset"] = 11
    assert "what was sent after an answer lies behind it" in sent.found()


def test_records_of_different_keys_have_no_order(sent: Sent) -> None:
    swap(sent, 4, 5)
    assert sent.found() == set()


def test_records_that_different_instances_took_have_no_order(sent: Sent) -> None:
    for number, line in enumerate(sent.ledger):
        line["instance"] = number // KEYS % 2
    swap(sent, 4, 6)
    assert sent.found() == set()


def test_records_that_were_under_way_together_have_no_order(sent: Sent) -> None:
    sent.ledger[4]["answered_at"] = sent.ledger[6]["sent_at"] + 0.1
    swap(sent, 4, 6)
    assert sent.found() == set()


def again(sent: Sent, number: int, *, replayed: bool) -> None:
    """A record of the spool arrives once more, in the end."""
    offset = sent.logs[0]["log_end"]
    sent.rows.append(at(sent.rows, number) | {"offset": offset, "replayed": replayed})
    sent.logs[0]["log_end"] += 1
    sent.positions[-1]["next"] += 1
    sent.snapshots[-1]["added_rows"] += 1


def test_a_repeat_that_is_marked_is_none_of_the_order(sent: Sent) -> None:
    again(sent, 2, replayed=True)
    assert sent.found() == set()


def test_a_repeat_that_is_not_marked(sent: Sent) -> None:
    again(sent, 2, replayed=False)
    assert sent.found() == {"a delivery is one row", "a row was sent by somebody"}


def test_a_first_one_that_is_marked_as_a_repeat(sent: Sent) -> None:
    sent.rows[3]["replayed"] = True
    assert sent.found() == {"a delivery is one row"}


def test_a_key_in_two_partitions(sent: Sent) -> None:
    sent.rows[3]["partition"] = 1
    assert "a key is in one partition" in sent.found()


def test_a_delivery_that_was_not_accepted_has_no_place(sent: Sent) -> None:
    """What came of an attempt without an answer is nobody's to order."""
    sent.ledger[4] |= {"delivery_id": None, "accepted": False, "sent_at": 99.0}
    assert audit_order(sent.evidence()) == []
