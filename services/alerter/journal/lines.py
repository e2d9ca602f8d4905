"""The form of the journal: a header, then lines of a checksum and an entry in JSON. Pure.

::

    bergline alerter journal 1
    5f1c2a90 {"n":17,"own":true,"type":"lakehouse.alert.changed.v1","event":{…}}
    0be7713d {"published":[17]}

The checksum is the CRC-32 of what follows the blank. What a crash cut off at the end was never
reported as kept and is left out. A line in the middle that is not what was written is damage: it
is left out as well, and told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import orjson

from shared.contracts.event import Event
from shared.contracts.registry import WIRE_TYPES

VERSION = 1
_NAME = b"bergline alerter journal "
HEADER = _NAME + b"%d\n" % VERSION


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that is known.

    Attributes:
        event: what is known.
        number: under which it is to be published; 0: it is not.
        own: made here, not read from a topic.
    """

    event: Event
    number: int = 0
    own: bool = True


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A key of which nothing is known any more; ``number`` as of :class:`Kept`."""

    key: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """The broker has the entries of these numbers."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """The rules that this alerter owns."""

    rules: tuple[str, ...]


Entry = Kept | Forgotten | Published | Owned


@dataclass(slots=True)
class Read:
    """What was found in a journal.

    Attributes:
        entries: all that can be read, in order.
        size: bytes up to which lines follow each other whole.
        torn: bytes at the end that a crash cut off.
        damaged: numbers of lines that are not what was written, from 1.
        newer: version of the form where it is newer than this program; nothing was read then.
    """

    entries: list[Entry] = field(default_factory=list)
    size: int = 0
    torn: int = 0
    damaged: list[int] = field(default_factory=list)
    newer: int | None = None


def line(entry: Entry) -> bytes:
    """One line of the journal."""
    body = orjson.dumps(_json(entry))
    return b"%08x %s\n" % (crc32(body), body)


def content(entries: Iterable[Entry]) -> bytes:
    """A whole journal."""
    return HEADER + b"".join(map(line, entries))


def read(data: bytes) -> Read:
    """What a journal holds; never raises."""
    found = Read()
    header, newline, _ = data.partition(b"\n")
    version = header[len(_NAME) :] if header.startswith(_NAME) else b""
    if version.isdigit() and int(version) > VERSION:
        found.newer = int(version)
        return found
    if header + newline != HEADER:
        found.damaged = [1] if data else []
        found.size = len(data)
        return found
    whole = data[: data.rfind(b"\n") + 1]
    found.size, found.torn = len(whole), len(data) - len(whole)
    for number, each in enumerate(whole.split(b"\n")[1:-1], start=2):
        entry = _entry(each)
        if entry is None:
            found.damaged.append(number)
        else:
            found.entries.append(entry)
    return found


def _json(entry: Entry) -> dict[str, Any]:
    match entry:
        case Kept(event, number, own):
            fragment = orjson.Fragment(event.model_dump_json())
            return {"n": number, "own": own, "type": event.type, "event": fragment}
        case Forgotten(key, number):
            return {"n": number, "forgotten": key}
        case Published(numbers):
            return {"published": numbers}
        case Owned(rules):
            return {"owned": rules}


def _entry(text: bytes) -> Entry | None:
    checksum, _, body = text.partition(b" ")
    try:
        if int(checksum, 16) != crc32(body):
            return None
        value = orjson.loads(body)
        if "event" in value:
            event = WIRE_TYPES[value["type"]].decode(orjson.dumps(value["event"]))
            return Kept(event, value["n"], value["own"])
        if "forgotten" in value:
            return Forgotten(value["forgotten"], value["n"])
        if "published" in value:
            return Published(tuple(value["published"]))
        return Owned(tuple(value["owned"]))
    except (ValueError, KeyError, TypeError):
        return None
