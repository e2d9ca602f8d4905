"""One receiver from YAML, with what it keeps secret taken from where the file says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import yaml
from pydantic import SecretStr

from shared.alerting import marked, scalars
from shared.alerting.marked import Reading
from shared.alerting.notifying.receiver import PER_MINUTE, Receiver, ReceiverType

TYPES: tuple[ReceiverType, ...] = get_args(ReceiverType)
_FIELDS = ("name", "type", "url", "url_from", "secret_from", "per_minute", "heartbeat")
_NO_URL = "write `url_from: env:NAME` or `url_from: file:/path`"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where secrets are: variables, and files."""

    environment: Mapping[str, str]
    text_of: Callable[[Path], str]

    def find(self, reading: Reading, node: yaml.Node, *, of: str) -> SecretStr | None:
        """What ``env:NAME`` or ``file:/path`` has; ``None`` with a problem noted, never shown."""
        written = scalars.text(reading, node, of=of) or ""
        kind, colon, where = written.partition(":")
        value = ""
        if kind == "env" and where:
            value = self.environment.get(where, "")
            if not value.strip():
                reading.problem(node, f"variable {where} is not set", "set it for alerter")
        elif kind == "file" and where.startswith("/"):
            try:
                value = self.text_of(Path(where))
            except (OSError, UnicodeDecodeError) as error:
                said = error.strerror if isinstance(error, OSError) else "no text"
                reading.problem(node, f"{where} cannot be read: {said}", "make it readable")
            else:
                if not value.strip():
                    reading.problem(node, f"{where} is empty", "write the value into it")
        elif colon or written:
            # What stands there may be the secret itself.
            reading.problem(node, f"{of} names no place", "write `env:NAME` or `file:/path`")
        return SecretStr(value.strip()) if value.strip() else None


def receiver(reading: Reading, node: yaml.Node, secrets: Secrets, scale: float) -> Receiver | None:
    """One receiver; ``None`` with at least one problem noted."""
    before = len(reading.problems)
    found = marked.fields(reading, node, _FIELDS, of="the receiver", required=("name", "type"))
    name = scalars.text(reading, found["name"], of="`name`") if "name" in found else None
    kind = scalars.word(reading, found["type"], TYPES, of="`type`") if "type" in found else None
    url = _url(reading, node, found, kind, secrets)
    secret = None
    if "secret_from" in found:
        secret = secrets.find(reading, found["secret_from"], of="`secret_from`")
        if kind not in (None, "webhook"):
            reading.problem(found["secret_from"], "only webhooks are signed", "leave it out")
    per_minute = PER_MINUTE
    if "per_minute" in found:
        per_minute = scalars.number(reading, found["per_minute"], of="`per_minute`") or 0.0
        if per_minute <= 0:
            reading.problem(found["per_minute"], "nothing a minute", "write a number above 0")
    heartbeat = None
    if "heartbeat" in found:
        heartbeat = scalars.duration(reading, found["heartbeat"], of="`heartbeat`")
        if heartbeat == 0:
            reading.problem(found["heartbeat"], "heartbeats without end", "write for example 1m")
    if len(reading.problems) > before or name is None or url is None:
        return None
    made = next(each for each in TYPES if each == kind)
    return Receiver(
        name, made, url, secret, per_minute, None if heartbeat is None else heartbeat * scale
    )


def _url(
    reading: Reading,
    node: yaml.Node,
    found: Mapping[str, yaml.Node],
    kind: str | None,
    secrets: Secrets,
) -> SecretStr | None:
    if "url_from" in found:
        if "url" in found:
            reading.problem(found["url"], "`url` beside `url_from`", "keep one of them")
        url = secrets.find(reading, found["url_from"], of="`url_from`")
        place = found["url_from"]
    elif "url" in found:
        place = found["url"]
        written = scalars.text(reading, place, of="`url`") or ""
        url = SecretStr(written)
        if kind == "apprise":
            reading.problem(place, "an apprise URL in the file: it holds secrets", _NO_URL)
            return None
        if "@" in written.partition("://")[2].partition("/")[0]:
            reading.problem(place, "a URL with a password in the file", _NO_URL)
            return None
    else:
        reading.problem(node, "the receiver has no address", f"add `url: …`, or {_NO_URL}")
        return None
    if url is not None and kind != "apprise" and not _is_http(url.get_secret_value()):
        reading.problem(place, "no http address", "write for example https://host/path")
    return url


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
