"""``python -m services.ingest.example_check NAME…``: do examples hold what their sources say?

Prints a JSON array with one object for each example: what is wrong with it, and the records that
ingest would write for it. ``bergline check`` asks it.
"""

from __future__ import annotations

import base64
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from string import ascii_letters
from urllib.parse import urlsplit

from multidict import CIMultiDict

from services.ingest.limits.shapes import Shape
from services.ingest.payload import Unreadable, events
from services.ingest.signatures.schemes import verifier_of
from services.ingest.signatures.verifier import Requested, SignatureRefused, Verifier
from shared.runtime.errors import BerglineError
from shared.sources.spec import Delivery, Endpoint, Example, Expected, Malformed, SourceSpec

_OTHER_LETTERS = str.maketrans(ascii_letters, ascii_letters[1:] + ascii_letters[0])
_COMPARED = ("topic", "key", "event_id", "event_type", "event_time")


@dataclass(slots=True)
class Found:
    """What was found of one example.

    Attributes:
        source, example: their names.
        wrong: sentences.
        records: (topic, value) that would be written.
    """

    source: str
    example: str
    wrong: list[str] = field(default_factory=list)
    records: list[tuple[str, bytes]] = field(default_factory=list)


def examine(source: SourceSpec, example: Example) -> Found:
    """Verify and read an example, as ingest would."""
    found = Found(source.name, example.name)
    path = urlsplit(example.path).path
    [endpoint] = [each for each in source.endpoints if each.path == path]
    found.wrong += _signature(source, example)
    try:
        deliveries = list(_deliveries(endpoint, example))
    except Malformed as malformed:
        found.wrong.append(f"it is malformed ({malformed.fault}): {malformed.detail}")
        return found
    except Exception as error:  # noqa: BLE001 whatever the reader raises is its fault
        frame = traceback.extract_tb(error.__traceback__)[-1]
        found.wrong.append(f"{frame.filename}:{frame.lineno}: {type(error).__name__}: {error}")
        return found
    found.records = [(delivery.topic, value) for delivery, value in deliveries]
    if len(deliveries) != len(example.becomes):
        found.wrong.append(f"{len(deliveries)} deliveries, expected {len(example.becomes)}")
    for (delivery, _), expected in zip(deliveries, example.becomes, strict=False):
        found.wrong += _differences(endpoint, delivery, expected)
    return found


def another_secret(source: SourceSpec, secret: str) -> str:
    """A secret of the same form, so that it is refused for what it is, not for how it looks."""
    prefix = source.signature.secret_prefix
    return prefix + secret.removeprefix(prefix).translate(_OTHER_LETTERS)


def _signature(source: SourceSpec, example: Example) -> Iterator[str]:
    def verifier(secret: str) -> Verifier:
        urls = () if example.public_url is None else (example.public_url,)
        return verifier_of(source.signature, [secret], public_urls=urls, old_versions=True)

    requested = Requested("POST", example.path)
    headers = CIMultiDict(example.headers)
    try:
        verifier(example.secret).verify(headers, example.body, example.at, requested)
    except (SignatureRefused, ValueError) as refused:
        yield f"its own secret does not sign it: {refused}"
        return
    try:
        verifier(another_secret(source, example.secret)).verify(
            headers, example.body, example.at, requested
        )
    except SignatureRefused:
        return
    yield "another secret signs it, too"


def _deliveries(endpoint: Endpoint, example: Example) -> Iterator[tuple[Delivery, bytes]]:
    headers = CIMultiDict(example.headers)
    for event in events(endpoint, Shape(events=endpoint.events_limit), headers, example.body):
        if isinstance(event, Unreadable):
            raise event.malformed
        read = endpoint.read(headers, event.payload, event.body)
        for delivery in (read,) if isinstance(read, Delivery) else read:
            yield delivery, event.body if delivery.value is None else delivery.value


def _differences(endpoint: Endpoint, delivery: Delivery, expected: Expected) -> Iterator[str]:
    if delivery.topic not in endpoint.topics:
        yield f"topic {delivery.topic} is none that {endpoint.path} feeds"
    for name in _COMPARED:
        wanted, given = getattr(expected, name), getattr(delivery, name)
        if wanted is not None and given != wanted:
            yield f"{name} is {given!r}, expected {wanted!r}"


def main() -> int:
    """Examine the examples of the sources that the arguments name."""
    try:
        from shared.sources.registry import SOURCES
    except BerglineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    found = [
        examine(SOURCES[name], example)
        for name in sys.argv[1:]
        for example in SOURCES[name].examples
    ]
    result = [
        {
            "source": each.source,
            "example": each.example,
            "wrong": each.wrong,
            "records": [
                {"topic": topic, "value": base64.b64encode(value).decode()}
                for topic, value in each.records
            ],
        }
        for each in found
    ]
    sys.stdout.write(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
