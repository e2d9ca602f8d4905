"""What may be told of a refused request, so that an operator sees who knocks and what is wrong.

A line in the log for each source and reason, at most one a second; the next one says how many were
left out. It tells nothing of what was sent that could be somebody's data or a secret: of the header
fields the names and a few harmless values, of the body its size, the shape of its beginning (every
run of letters is ``a``, of digits ``9``) and a mark, which is the same for the same beginning while
this process lives and means nothing to anybody else, of the sender its network.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from multidict import istr

from services.ingest.problem import Problem
from services.ingest.signatures.verifier import Headers
from shared.runtime import logging

EVERY_SECONDS = 1.0
MARKED_BYTES = 256
SHAPED_BYTES = 64
SHOWN_NAMES = 40
SHOWN_CHARACTERS = 80
TOLD = tuple(
    istr(name)
    for name in (
        "Content-Type",
        "Content-Length",
        "Content-Encoding",
        "Transfer-Encoding",
        "User-Agent",
    )
)
"""Header fields whose values are told: they say which software sends, and how."""

_KEY = secrets.token_bytes(32)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}")
_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]+")
_DIGITS = re.compile(rb"[0-9]+")
_UNSEEN = re.compile(r"[^\x20-\x7e]")

log = logging.logger("ingest")


class Seen(NamedTuple):
    """A refused request as far as it is known.

    Attributes:
        source: whose endpoint it was sent to; :data:`NOBODY` when to none.
        route: the endpoint's path, never the one that was requested.
        method: as requested, known to the parser.
        headers: its header fields, ``None`` when they could not be read.
        body: as far as it was read; ``None`` when it was not.
        peer: address of the other end.
    """

    source: str
    route: str = ""
    method: str = "POST"
    headers: Headers | None = None
    body: bytes | None = None
    peer: Callable[[], object] = str


NOBODY = "none"
"""Source of what cannot be told to be meant for one."""


@dataclass(slots=True)
class _Last:
    at: float
    left_out: int = 0


class Samples:
    """Chooses which refused requests are told, and tells them.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[tuple[str, str], _Last] = {}

    def refused(self, kind: Problem, detail: str, seen: Seen) -> None:
        """Perhaps tell of a request; the keys are few: sources and kinds of problems."""
        now = self._clock()
        last = self._last.get((seen.source, kind.slug))
        left_out = 0
        if last is not None:
            if now - last.at < EVERY_SECONDS:
                last.left_out += 1
                return
            left_out = last.left_out
        self._last[seen.source, kind.slug] = _Last(now)
        log.warning(
            "request refused",
            source=seen.source,
            reason=kind.reason,
            status=kind.status,
            detail=detail,
            left_out=left_out,
            method=seen.method,
            route=seen.route,
            network=network(seen.peer()),
            **told_headers(seen.headers),
            **told_body(seen.body),
        )


def told_headers(headers: Headers | None) -> dict[str, object]:
    """Names of the header fields, and the values that may be told."""
    if headers is None:
        return {}
    names = [
        name if _NAME.fullmatch(name) else "?" for name in itertools.islice(headers, SHOWN_NAMES)
    ]
    values = {
        str(name).lower(): _UNSEEN.sub("?", text)[:SHOWN_CHARACTERS]
        for name in TOLD
        if (text := headers.get(name)) is not None
    }
    return {"header_names": names, "headers": values}


def told_body(body: bytes | None) -> dict[str, object]:
    """Size, mark and shape of a body."""
    if body is None:
        return {}
    return {
        "body_bytes": len(body),
        "body_mark": hashlib.blake2b(body[:MARKED_BYTES], digest_size=8, key=_KEY).hexdigest(),
        "body_shape": shape(body[:SHAPED_BYTES]),
    }


def shape(text: bytes) -> str:
    """``{"id":17,"email":"ada@…"}`` as ``{"a":9,"a":"a@…"}``: how it is built, not what it says."""
    built = _DIGITS.sub(b"9", _LETTERS.sub(b"a", text))
    return _UNSEEN.sub(" ", built.decode("ascii", "replace"))


def network(peer: object) -> str:
    """The other end's network, without the part that tells one household from the next."""
    host = peer[0] if isinstance(peer, tuple) and peer else None
    try:
        address = ip_address(str(host))
    except ValueError:
        return ""
    if address.is_loopback:
        return str(address)
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))
