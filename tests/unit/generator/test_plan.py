"""The plan is a function of its seed, has the promised size, and holds every kind of delivery."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime

import pytest

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.malformed import FAULTS
from deploy.generator.mix import (
    DEMONSTRATED,
    DEMONSTRATED_RATES,
    OVERTAKEN,
    REDELIVERED,
    SMALLEST_PLAN,
    mix,
)
from deploy.generator.plan import plan
from deploy.generator.records import records

SEEDS = (0, 1, 42, 2026)


def digest(deliveries: list[Delivery]) -> str:
    return hashlib.sha256(repr(deliveries).encode()).hexdigest()


def test_equal_seeds_give_equal_bytes_in_every_process() -> None:
    code = (
        "import hashlib; from deploy.generator.plan import plan; "
        "print(hashlib.sha256(repr(plan(42)).encode()).hexdigest())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert elsewhere.stdout.strip() == digest(plan(42))


def test_other_seeds_give_other_objects() -> None:
    first, second = ({d.subject for d in plan(seed)} for seed in (1, 2))

    assert not first & second


@pytest.mark.parametrize("seed", SEEDS)
def test_the_default_plan_has_920_deliveries(seed: int) -> None:
    assert len(plan(seed)) == 920


@pytest.mark.parametrize("size", [SMALLEST_PLAN, 61, 333, 921, 2000])
def test_a_plan_has_exactly_the_size_asked_for(size: int) -> None:
    assert len(plan(7, size)) == size == sum(mix(size).values())


def test_a_plan_without_room_for_every_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 60"):
        plan(1, SMALLEST_PLAN - 1)


@pytest.mark.parametrize("size", [SMALLEST_PLAN, 920])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_occurs(seed: int, size: int) -> None:
    assert {delivery.kind for delivery in plan(seed, size)} == set(Kind)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_holds_what_tables_must_cope_with(seed: int) -> None:
    types = Counter(delivery.event_type for delivery in plan(seed, 1_500))

    expected = {
        "orders/create", "orders/updated", "orders/paid", "orders/fulfilled", "orders/cancelled",
        "orders/delete", "customers/create", "customers/update", "customers/delete",
        "customers/redact", "products/create", "products/update", "products/delete",
        "charge.succeeded", "charge.failed", "charge.pending", "charge.refunded",
        "charge.updated", "customer.created", "customer.updated", "customer.deleted",
    }  # fmt: skip
    assert expected <= set(types)


def test_a_redelivery_repeats_id_and_bytes_of_an_earlier_delivery() -> None:
    seen: dict[str, bytes] = {}
    redeliveries = 0
    for delivery in plan(42):
        if delivery.kind is Kind.REDELIVERY:
            redeliveries += 1
            assert seen[delivery.event_id] == delivery.body
        elif delivery.accepted:
            assert delivery.event_id not in seen, "a new event has a new id"
            seen[delivery.event_id] = delivery.body
    assert redeliveries == mix(920)[REDELIVERED]


def test_an_overtaken_version_is_older_than_one_that_came_before() -> None:
    newest: dict[str, int] = defaultdict(int)
    overtaken = 0
    for delivery in plan(42):
        if not delivery.accepted or delivery.kind is Kind.REDELIVERY:
            continue
        moment = event_time(delivery)
        if delivery.kind is Kind.OUT_OF_ORDER:
            overtaken += 1
            assert moment < newest[delivery.subject]
        else:
            assert moment >= newest[delivery.subject]
        newest[delivery.subject] = max(moment, newest[delivery.subject])
    assert overtaken == mix(920)[OVERTAKEN]


def event_time(delivery: Delivery) -> int:
    if delivery.source == "stripe":
        return int(json.loads(delivery.body)["created"])
    triggered = dict(delivery.headers)["X-Shopify-Triggered-At"]
    return int(datetime.fromisoformat(triggered).timestamp())


def test_a_shopify_deletion_holds_only_the_id() -> None:
    deletions = [d for d in plan(42) if d.event_type.endswith("/delete") and d.accepted]

    assert deletions
    for deletion in deletions:
        assert json.loads(deletion.body) == {"id": int(deletion.subject)}


def test_every_fault_occurs_and_is_what_it_is_called() -> None:
    malformed = [d for d in plan(42) if d.kind is Kind.MALFORMED]

    assert len(malformed) >= sum(source in {"shopify", "stripe"} for source, _ in FAULTS)
    assert {(d.status, len(d.dead_letters)) for d in malformed} == {(400, 1), (401, 0), (200, 0)}
    assert [d.drift for d in malformed if d.accepted] == [True]
    unusable = [d.body for d in malformed if d.status == 400]
    for body in unusable:
        assert not usable(body)
    assert any(b"\xe9" in body for body in unusable)
    assert any(body.startswith(b"[") for body in unusable)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_demonstrated_plan_reaches_every_topic_and_holds_every_fault(seed: int) -> None:
    posted = plan(seed, topics=DEMONSTRATED, rates=DEMONSTRATED_RATES)
    faults = [delivery for delivery in posted if delivery.kind is Kind.MALFORMED]

    assert len(posted) == 920
    assert {record.topic for d in posted for record in records(d)} == DEMONSTRATED
    assert len(faults) >= len(FAULTS)
    assert {fault.source for fault in faults} == {source for source, _ in FAULTS}


def usable(body: bytes) -> bool:
    try:
        payload = json.loads(body.decode())
    except ValueError:
        return False
    if not isinstance(payload, dict):
        return False
    if payload.get("type", "").startswith("charge"):
        return bool(payload["data"] and payload["data"]["object"])
    return "id" in payload
