"""Deliveries as files: one for each topic, each delivery with all that it takes to post it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from deploy.generator.delivery import Delivery
from shared.runtime.errors import Refused

FileFormat = Literal["jsonl", "json"]

MANIFEST = "manifest.json"


def record(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON; a body that is no UTF-8 text stands under ``body_base64``."""
    try:
        body = {"body": delivery.body.decode()}
    except UnicodeDecodeError:
        body = {"body_base64": base64.b64encode(delivery.body).decode()}
    return {
        "path": delivery.path,
        "event_type": delivery.event_type,
        "event_id": delivery.event_id,
        "subject": delivery.subject,
        "kind": delivery.kind.value,
        "signature": delivery.signature.value,
        "status": delivery.status,
        "headers": dict(delivery.headers),
        **body,
    }


@dataclass(slots=True)
class _Open:
    """A file that is being written, with its number of records and its hash so far."""

    file: IO[bytes]
    records: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, data: bytes) -> None:
        self.file.write(data)
        self.digest.update(data)


def claim(directory: Path) -> None:
    """Make the directory.

    Raises:
        Refused: something is in it already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise Refused(f"{directory} is not empty", "name another directory, or empty this one")


def write(
    directory: Path,
    deliveries: Iterable[Delivery],
    file_format: FileFormat = "jsonl",
    *,
    observe: Callable[[Delivery], object] = lambda _: None,
) -> Mapping[str, Mapping[str, Any]]:
    """Write deliveries as they come; name of each file → its records and SHA-256.

    Args:
        directory: made by :func:`claim`.
        deliveries: consumed one by one; nothing of them is kept.
        file_format: a delivery a line, or an array.
        observe: told of each delivery when it is written.
    """
    separator, end = (b"\n", b"\n") if file_format == "jsonl" else (b",\n", b"\n]\n")
    files: dict[str, _Open] = {}
    try:
        for delivery in deliveries:
            name = f"{delivery.topic}.{file_format}"
            if name not in files:
                files[name] = _Open((directory / name).open("xb"))
                files[name].add(b"" if file_format == "jsonl" else b"[\n")
            opened = files[name]
            opened.add((separator if opened.records else b"") + orjson.dumps(record(delivery)))
            opened.records += 1
            observe(delivery)
        for opened in files.values():
            opened.add(end)
    finally:
        for opened in files.values():
            opened.file.close()
    return {
        name: {"records": opened.records, "sha256": opened.digest.hexdigest()}
        for name, opened in sorted(files.items())
    }


def write_manifest(directory: Path, facts: Mapping[str, Any]) -> None:
    """What made the files and what they hold; written last, so files beside it are whole."""
    written = orjson.dumps(facts, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (directory / MANIFEST).write_bytes(written)
