"""Dead letters as people and programs read them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.cli.output import table
from shared.cli.words import NOTHING, age, cell, count, moment, size, stacked, visible

if TYPE_CHECKING:
    from shared.lake.dead_letters.letters import Found, Letter
    from shared.runtime.resending import Sending, Sent

DUMPED_BYTES = 4096
"""Most bytes of a value that are shown as hexadecimal digits or text."""


def letter_json(letter: Letter, *, value: bool = False) -> dict[str, Any]:
    """One dead letter; its bytes, if they are asked for, in base64."""
    replay = letter.replay
    body: dict[str, Any] = {
        "id": letter.id,
        "stage": letter.stage,
        "service": letter.service,
        "reason": letter.reason,
        "detail": letter.detail,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "delivery_id": letter.delivery_id,
        "vendor_event_id": letter.vendor_event_id,
        "failed_at": letter.failed_at.isoformat(),
        "received_at": None if letter.received_at is None else letter.received_at.isoformat(),
        "size": letter.size,
        "left_out": letter.left_out,
        "origin": letter.origin,
        "replayed": 0 if replay is None else replay.times,
        "last_replay": None
        if replay is None
        else {
            "at": replay.last_at.isoformat(),
            "actor": replay.last_actor,
            "record": replay.last_place,
        },
    }
    if value:
        key = letter.record_key
        body["announced_at"] = "/".join(map(str, letter.place))
        body["headers"] = dict(letter.headers)
        body["record_key"] = None if key is None else base64.b64encode(key).decode()
        body["value"] = base64.b64encode(letter.value or b"").decode()
    return body


def list_text(found: Found, waiting: int | None, now: datetime | None = None) -> Any:
    """Dead letters as a table, newest first, and what is not in it."""
    now = now or datetime.now(UTC)
    rows = [
        (
            cell(letter.id),
            f"{age(now - letter.failed_at)} ago",
            cell(letter.topic),
            cell(letter.stage),
            cell(letter.reason),
            size(letter.size),
            _replayed(letter),
            cell(letter.detail),
        )
        for letter in found.letters
    ]
    columns = ("id", "failed", "topic", "stage", "reason", ">bytes", "replayed", "what is wrong")
    parts: list[Any] = [table(columns, rows)] if rows else []
    if found.total:
        reasons = ", ".join(f"{count(n)} {cell(r)}" for r, n in found.by_reason.items())
        parts.append(f"{count(found.total)} dead letters: {reasons}")
    else:
        parts.append("no dead letters")
    if found.total > len(found.letters):
        parts.append(f"the newest {len(found.letters)} are shown; --limit shows more")
    if waiting is None:
        parts.append("[yellow]whether more are on their topic is not known: no broker[/]")
    elif waiting:
        parts.append(f"[yellow]{count(waiting)} more records are on their topic, not landed yet[/]")
    return stacked(*parts)


def _replayed(letter: Letter) -> str:
    replay = letter.replay
    if replay is None:
        return NOTHING
    times = "" if replay.times == 1 else f"{replay.times} times, last "
    return cell(f"{times}as {replay.last_place}")


def show_text(letter: Letter) -> Any:
    """Everything of one dead letter, its bytes last."""
    facts = [
        ("stage", f"{letter.stage}, by {letter.service}"),
        ("reason", letter.reason),
        ("what is wrong", letter.detail),
        ("topic", letter.topic),
        ("record", NOTHING if letter.offset is None else letter.id),
        ("event", letter.vendor_event_id),
        ("delivery", letter.delivery_id),
        ("received", moment(letter.received_at)),
        ("failed", moment(letter.failed_at)),
        ("replay of", letter.origin),
    ]
    if letter.replay is not None:
        told = letter.replay
        facts.append(
            (
                "replayed",
                f"{told.times}×, last {moment(told.last_at)} by {told.last_actor} as "
                f"{told.last_place}",
            )
        )
    facts += [(name, text) for name, text in sorted(letter.headers.items())]
    if letter.record_key is not None:
        facts.append(("key", letter.record_key.decode("utf-8", "backslashreplace")))
    rows = [(name, cell(text)) for name, text in facts if text not in (None, NOTHING)]
    return stacked(
        table(("", ""), rows, title=cell(letter.id)), "", value_text(letter.value or b"")
    )


def value_text(value: bytes) -> Any:
    """Bytes as text where they are text, else as hexadecimal digits; cut where they are many."""
    from rich.text import Text

    shown = value[:DUMPED_BYTES]
    try:
        text = value.decode()
        kind, body = "text", visible(text[:DUMPED_BYTES])
        cut = len(text) > DUMPED_BYTES
    except UnicodeDecodeError:
        kind, body, cut = "not UTF-8", hex_dump(shown), len(value) > DUMPED_BYTES
    more = ", the beginning; --raw writes all" if cut else ""
    return stacked(f"{count(len(value))} bytes, {kind}{more}:", Text(body))


def hex_dump(value: bytes) -> str:
    """Sixteen bytes a line: offset, digits, and the characters that are printable ASCII."""
    lines = []
    for at in range(0, len(value), 16):
        part = value[at : at + 16]
        characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:08x}  {part.hex(' '):<47}  {characters}")
    return "\n".join(lines)


def sending_json(sending: Sending) -> dict[str, Any]:
    """What would be sent."""
    return {
        "id": sending.letter_id,
        "topic": sending.topic,
        "partition": sending.partition,
        "delivery_id": sending.delivery_id,
        "bytes": len(sending.value),
        "edited": sending.edited,
    }


def sent_json(sent: Sent) -> dict[str, Any]:
    """What became of it."""
    return {
        **sending_json(sent.sending),
        "outcome": "was there" if sent.before else "sent",
        "record": "/".join(map(str, sent.place)),
    }


def sendings_text(sendings: Sequence[Sending], before: Sequence[str]) -> Any:
    """What would be sent, of what was sent before said so."""
    rows = [
        (
            cell(each.letter_id),
            f"{each.topic}/{each.partition}",
            size(len(each.value)),
            "other bytes" if each.edited else "as it was",
            "was sent before: nothing to send" if each.delivery_id in before else "would be sent",
        )
        for each in sendings
    ]
    return table(("id", "to", ">bytes", "value", ""), rows)


def sent_text(sent: Sequence[Sent], errors: dict[str, str | None] | None) -> Any:
    """Where each record stands, and whether its row is a good one, if that was waited for."""
    rows = []
    for each in sent:
        record = "/".join(map(str, each.place))
        told = "was there, not sent again" if each.before else "sent"
        if errors is not None:
            error = errors.get(record)
            told += f"; failed again: {error}, dead letter {record}" if error else "; a good row"
        rows.append((cell(each.sending.letter_id), cell(record), cell(told)))
    return table(("id", "record", ""), rows)
