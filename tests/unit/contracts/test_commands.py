"""Only who holds the operator key can command a service."""

import hmac
import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from shared.contracts.commands import CommandIssued, MaintenanceArguments, RefreshArguments
from shared.contracts.days import Days

KEY = "operator-key"
COMMAND = CommandIssued(
    command_id="01a20ce5-dffc-7e91-8f42-b5a7c60d1e39",
    service="stream_writer",
    action="resume_topic",
    target="shopify.orders",
    actor="ada@example.com",
    issued_at=datetime(2026, 11, 24, 9, 32, tzinfo=UTC),
)

TAMPERED: dict[str, object] = {
    "command_id": "01a20ce5-dffc-7e91-8f42-b5a7c60d1e40",
    "service": "ingest",
    "action": "other_action",
    "target": "stripe.charges",
    "arguments": {"reason": "another"},
    "actor": "mallory@example.com",
    "issued_at": COMMAND.issued_at + timedelta(microseconds=1),
}


def test_a_signed_command_survives_the_topic() -> None:
    _, value, _ = COMMAND.signed(KEY).encode()
    assert CommandIssued.decode(value).verified(KEY)


def test_the_signature_does_not_depend_on_how_json_is_spaced_or_ordered() -> None:
    signed = COMMAND.signed(KEY)
    fields = reversed(list(signed.model_dump(mode="json").items()))
    respelled = "{" + " , ".join(f'"{name}" : {json.dumps(value)}' for name, value in fields) + "}"
    assert CommandIssued.decode(respelled.encode()).verified(KEY)


def test_a_time_with_another_offset_survives_the_topic() -> None:
    local = COMMAND.issued_at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    signed = COMMAND.model_copy(update={"issued_at": local}).signed(KEY)
    assert CommandIssued.decode(signed.encode()[1]).verified(KEY)


def test_every_field_but_the_signature_is_tampered_with_below() -> None:
    assert set(TAMPERED) == set(CommandIssued.model_fields) - {"signature"}


@pytest.mark.parametrize("field", sorted(TAMPERED))
def test_a_changed_field_voids_the_signature(field: str) -> None:
    signed = COMMAND.signed(KEY)
    assert not signed.model_copy(update={field: TAMPERED[field]}).verified(KEY)


@pytest.mark.parametrize("signature", ["", "0" * 64, COMMAND.signed("another key").signature])
def test_a_missing_or_foreign_signature_is_refused(signature: str) -> None:
    assert not COMMAND.model_copy(update={"signature": signature}).verified(KEY)


def test_a_signature_that_is_not_ascii_is_refused_not_an_error() -> None:
    assert not COMMAND.model_copy(update={"signature": "é" * 64}).verified(KEY)


def test_fields_cannot_be_moved_into_one_another() -> None:
    moved = COMMAND.model_copy(update={"target": 'a","actor":"b', "actor": "c"})
    other = COMMAND.model_copy(update={"target": "a", "actor": 'b","actor":"c'})
    assert moved.signed(KEY).signature != other.signed(KEY).signature


def test_an_unknown_action_is_not_a_command() -> None:
    value = COMMAND.signed(KEY).encode()[1].replace(b"resume_topic", b"drop_tables")
    with pytest.raises(ValueError, match="action"):
        CommandIssued.decode(value)


REFRESH = COMMAND.model_copy(
    update={
        "service": "transformer",
        "action": "refresh",
        "target": "core",
        "arguments": {"reason": "a rule changed", "more": "x"},
    }
)


def test_a_signature_from_before_there_were_arguments_holds() -> None:
    message = (
        b'{"command_id":"01a20ce5-dffc-7e91-8f42-b5a7c60d1e39","service":"stream_writer",'
        b'"action":"resume_topic","target":"shopify.orders","actor":"ada@example.com",'
        b'"issued_at":"2026-11-24T09:32:00Z"}'
    )
    digest = hmac.new(KEY.encode(), message, "sha256").hexdigest()
    assert COMMAND.signed(KEY).signature == digest
    old = json.loads(message) | {"signature": digest}
    assert CommandIssued.decode(json.dumps(old).encode()).verified(KEY)


def test_a_reader_that_knows_no_arguments_refuses_a_command_that_has_some() -> None:
    without = REFRESH.signed(KEY).model_copy(update={"arguments": {}})
    assert not without.verified(KEY)


@pytest.mark.parametrize("reason", ["", "another", 'a rule changed","more":"x'])
def test_a_changed_argument_voids_the_signature(reason: str) -> None:
    changed = {**REFRESH.arguments, "reason": reason}
    assert not REFRESH.signed(KEY).model_copy(update={"arguments": changed}).verified(KEY)


def test_the_order_of_arguments_does_not_matter() -> None:
    fields = json.loads(REFRESH.signed(KEY).encode()[1])
    fields["arguments"] = dict(reversed(fields["arguments"].items()))
    assert CommandIssued.decode(json.dumps(fields).encode()).verified(KEY)


def test_refresh_arguments_survive_the_command() -> None:
    asked = RefreshArguments(reason="late refunds")
    command = REFRESH.model_copy(update={"arguments": asked.to_arguments()})
    assert RefreshArguments.of(command) == asked
    assert RefreshArguments().to_arguments() == {}
    assert RefreshArguments().days is None


def test_days_survive_the_command_and_hold_at_least_one() -> None:
    asked = RefreshArguments(first_day=date(2026, 1, 1))
    assert asked.to_arguments() == {"first_day": "2026-01-01"}
    command = REFRESH.model_copy(update={"arguments": asked.to_arguments()})
    assert RefreshArguments.of(command).days == Days(date(2026, 1, 1), None)
    with pytest.raises(ValueError, match="holds no day"):
        RefreshArguments(first_day=date(2026, 1, 2), last_day=date(2026, 1, 1))


def test_unknown_refresh_arguments_are_ignored() -> None:
    command = REFRESH.model_copy(update={"arguments": {"reason": "late refunds", "start": "2026"}})
    assert RefreshArguments.of(command) == RefreshArguments(reason="late refunds")


def test_maintenance_arguments_survive_the_topic_and_leave_out_what_is_not_set() -> None:
    asked = MaintenanceArguments(
        retention_days=3,
        remove_orphans=True,
        older_than=datetime(2026, 11, 23, tzinfo=timezone(timedelta(hours=1))),
    )
    arguments = asked.to_arguments()
    assert arguments.keys() == {"retention_days", "remove_orphans", "older_than"}
    command = COMMAND.model_copy(update={"action": "expire", "arguments": arguments}).signed(KEY)
    received = CommandIssued.decode(command.encode()[1])
    assert received.verified(KEY)
    assert MaintenanceArguments.of(received) == asked


@pytest.mark.parametrize(
    "arguments",
    [
        {"retention_days": "-1"},
        {"retain_last": "0"},
        {"retain_last": "two"},
        {"older_than": "2026-11-23T00:00:00"},
    ],
)
def test_impossible_maintenance_arguments_are_refused(arguments: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        MaintenanceArguments.of(COMMAND.model_copy(update={"arguments": arguments}))
