"""Every scheme beside the others: what each accepts and refuses, in one table.

A scheme without a row fails, so a new one cannot go without its good, tampered, stale, rotated and
malformed deliveries. What is particular to a scheme stands in a file of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from multidict import CIMultiDict

from services.ingest.signatures.schemes import verifier_of
from services.ingest.signatures.verifier import (
    TOLERANCE_SECONDS,
    Requested,
    SignatureInvalid,
    SignatureMissing,
)
from shared.sources import signing
from shared.sources.registry import SOURCES
from shared.sources.signing import (
    BearerToken,
    BodyHmac,
    HubSpotSignature,
    Signature,
    StandardWebhooks,
    StripeSignature,
    UrlSecret,
)

AT = 1_700_000_000
PATH = "/webhooks/any/where"
BASE = "https://hooks.example"


@dataclass(frozen=True)
class Sent:
    """What a sender sends: everything that a scheme may look at."""

    secret: str
    body: bytes = b'{"id":1001,"email":"ada@example.com"}'
    at: int = AT
    base: str = BASE
    headers: Mapping[str, str] = field(default_factory=dict)
    target: str = PATH


def digest(secret: str | bytes, message: bytes) -> bytes:
    return hmac.digest(secret.encode() if isinstance(secret, str) else secret, message, "sha256")


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def in_base64(sent: Sent) -> Sent:
    return replace(sent, headers={"X-Any-Hmac": base64_of(digest(sent.secret, sent.body))})


def in_hex(sent: Sent) -> Sent:
    return replace(sent, headers={"X-Any-Hmac": f"sha256={digest(sent.secret, sent.body).hex()}"})


def stripe(sent: Sent) -> Sent:
    signature = digest(sent.secret, b"%d.%b" % (sent.at, sent.body)).hex()
    return replace(sent, headers={"Stripe-Signature": f"t={sent.at},v1={signature}"})


def hubspot_v3(sent: Sent) -> Sent:
    message = f"POST{sent.base}{PATH}".encode() + sent.body + b"%d" % (sent.at * 1000)
    return replace(
        sent,
        headers={
            "X-HubSpot-Signature-v3": base64_of(digest(sent.secret, message)),
            "X-HubSpot-Request-Timestamp": f"{sent.at * 1000}",
        },
    )


def hubspot_old(version: str) -> Callable[[Sent], Sent]:
    def signed(sent: Sent) -> Sent:
        address = f"POST{sent.base}{PATH}".encode() if version == "v2" else b""
        plain = hashlib.sha256(sent.secret.encode() + address + sent.body).hexdigest()
        return replace(
            sent,
            headers={"X-HubSpot-Signature": plain, "X-HubSpot-Signature-Version": version},
        )

    return signed


def standard(sent: Sent) -> Sent:
    key = base64.b64decode(sent.secret.removeprefix("whsec_"))
    signature = base64_of(digest(key, b"msg_1.%d.%b" % (sent.at, sent.body)))
    return replace(
        sent,
        headers={
            "webhook-id": "msg_1",
            "webhook-timestamp": str(sent.at),
            "webhook-signature": f"v1,{signature}",
        },
    )


def in_the_address(sent: Sent) -> Sent:
    return replace(sent, target=f"{PATH}?secret={sent.secret}")


def bearer(sent: Sent) -> Sent:
    return replace(sent, headers={"Authorization": f"Bearer {sent.secret}"})


@dataclass(frozen=True)
class Row:
    """One scheme, or one version of it.

    Attributes:
        signs: made of the vendor's words, with nothing of the verifier's.
        covers: what of a delivery is signed: ``body``, ``time``, ``address``.
        malformed: what may stand in the carrier and is no signature.
        carrier: where it stands, when that is not where the scheme says.
    """

    scheme: Signature
    signs: Callable[[Sent], Sent]
    covers: str = "body"
    carrier: str | None = None
    secrets: tuple[str, str] = ("shpss_one_of_the_two", "shpss_other_of_the_two")
    malformed: tuple[str, ...] = ("", " ", "x", "é\udcff", "=" * 44, "0" * 64, "A" * 100_000)

    def covered(self, part: str) -> bool:
        return part in self.covers.split()


BASE64 = BodyHmac("X-Any-Hmac", "base64")
HEX = BodyHmac("X-Any-Hmac", "hex", "sha256=")
STRIPE, HUBSPOT, STANDARD = StripeSignature(), HubSpotSignature(), StandardWebhooks()
OLD = "X-HubSpot-Signature"
KEYS = ("whsec_" + base64_of(b"k" * 24), "whsec_" + base64_of(b"o" * 24))
NO_ITEMS = ("", "t=,v1=00", "v1=00", f"t={AT}", f"t={AT},v0=00", ",,,", "t=1e9,v1=00", "é\udcff")
NO_QUERY = ("", "x", "%FF%00", "%", "+" * 4000)
NO_TOKEN = ("", "Bearer", "Bearer ", "Basic eDp5", "Bearer \udcff", "Bearer a b")

# fmt: off
TABLE = {
    #                        declared as    signed by          what of it is signed
    "body HMAC, base64": Row(BASE64,        in_base64,         "body"),
    "body HMAC, hex":    Row(HEX,           in_hex,            "body"),
    "Stripe":            Row(STRIPE,        stripe,            "body time", malformed=NO_ITEMS),
    "HubSpot v3":        Row(HUBSPOT,       hubspot_v3,        "body time address"),
    "HubSpot v2":        Row(HUBSPOT,       hubspot_old("v2"), "body address", OLD),
    "HubSpot v1":        Row(HUBSPOT,       hubspot_old("v1"), "body", OLD),
    "Standard Webhooks": Row(STANDARD,      standard,          "body time", secrets=KEYS),
    "secret in the URL": Row(UrlSecret(),   in_the_address,    "", malformed=NO_QUERY),
    "bearer token":      Row(BearerToken(), bearer,            "", malformed=NO_TOKEN),
}
# fmt: on

EVERY_ROW = pytest.mark.parametrize("row", TABLE.values(), ids=list(TABLE))


def verify(row: Row, sent: Sent, *secrets: str, now: float = AT, method: str = "POST") -> None:
    verifier = verifier_of(
        row.scheme, secrets or row.secrets[:1], public_urls=(BASE,), old_versions=True
    )
    verifier.verify(CIMultiDict(sent.headers), sent.body, now, Requested(method, sent.target))


def good(row: Row, **more: object) -> Sent:
    return row.signs(replace(Sent(row.secrets[0]), **more))  # type: ignore[arg-type]


def refused(row: Row, sent: Sent, *secrets: str, now: float = AT, method: str = "POST") -> None:
    with pytest.raises(SignatureInvalid) as refusal:
        verify(row, sent, *secrets, now=now, method=method)
    for secret in row.secrets:
        assert secret not in str(refusal.value)


def judged(row: Row, part: str, sent: Sent, *, now: float = AT, method: str = "POST") -> None:
    """Of a delivery in which that part was changed."""
    (refused if row.covered(part) else verify)(row, sent, now=now, method=method)


def test_every_scheme_has_a_row() -> None:
    declared = {
        value
        for value in vars(signing).values()
        if isinstance(value, type) and issubclass(value, Signature) and value is not Signature
    }
    assert {type(row.scheme) for row in TABLE.values()} == declared
    assert {type(source.signature) for source in SOURCES.values()} <= declared


@EVERY_ROW
def test_good(row: Row) -> None:
    verify(row, good(row))
    verify(row, good(row, body=b""))
    verify(row, good(row, body=b"\x00\xff not UTF-8, no JSON"))


@EVERY_ROW
def test_tampered(row: Row) -> None:
    sent = good(row)
    for body in (sent.body + b" ", sent.body[:-1], b"", sent.body.replace(b"1001", b"1002")):
        judged(row, "body", replace(sent, body=body))


@EVERY_ROW
def test_another_address_or_method(row: Row) -> None:
    sent = good(row)
    judged(row, "address", replace(sent, target=sent.target.replace("any", "other")))
    judged(row, "address", sent, method="PUT")
    judged(row, "address", good(row, base="https://evil.example"))


@EVERY_ROW
@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"])
def test_what_a_header_says_of_the_address_changes_nothing(row: Row, name: str) -> None:
    for text in ("evil.example", "http", "host=evil.example;proto=https"):
        sent, elsewhere = good(row), good(row, base="https://evil.example")
        verify(row, replace(sent, headers={**sent.headers, name: text}))
        judged(row, "address", replace(elsewhere, headers={**elsewhere.headers, name: text}))


@EVERY_ROW
def test_wrong_secret(row: Row) -> None:
    refused(row, row.signs(Sent(row.secrets[1])))


@EVERY_ROW
def test_rotated(row: Row) -> None:
    old, new = row.secrets
    for secret in (old, new):
        for active in ((old, new), (new, old)):
            verify(row, row.signs(Sent(secret)), *active)
    refused(row, row.signs(Sent(old)), new)


@EVERY_ROW
@pytest.mark.parametrize("direction", [-1, 1], ids=["stale", "future"])
def test_stale_and_future(row: Row, direction: int) -> None:
    sent = good(row)
    verify(row, sent, now=AT - direction * TOLERANCE_SECONDS)
    for seconds in (TOLERANCE_SECONDS + 1, 86_400, 10**9):
        judged(row, "time", sent, now=AT - direction * seconds)


@EVERY_ROW
def test_a_time_that_was_changed(row: Row) -> None:
    sent = good(row)
    later = {name: text.replace(str(AT), str(AT + 60)) for name, text in sent.headers.items()}
    assert (later != sent.headers) is row.covered("time")
    judged(row, "time", replace(sent, headers=later), now=AT + 60)


@EVERY_ROW
def test_missing(row: Row) -> None:
    for headers in ({}, {"X-Other": "x"}, dict.fromkeys(good(row).headers, "")):
        with pytest.raises(SignatureMissing, match=f"Missing .*{row.scheme.carrier}|webhook-id"):
            verify(row, Sent(row.secrets[0], headers=headers))


@EVERY_ROW
def test_malformed(row: Row) -> None:
    sent, carrier = good(row), row.carrier or row.scheme.carrier
    for text in row.malformed:
        broken = (
            replace(sent, target=f"{PATH}?{carrier}={text}")
            if row.scheme.carried_in == "query"
            else replace(sent, headers={**sent.headers, carrier: text})
        )
        with pytest.raises((SignatureInvalid, SignatureMissing)):
            verify(row, broken)


@EVERY_ROW
@pytest.mark.parametrize("secrets", [(), ("",), ("a secret that is one", "")])
def test_an_empty_secret_is_never_a_key(row: Row, secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"empty secret|base64|bytes|characters"):
        verifier_of(row.scheme, secrets, public_urls=(BASE,), old_versions=True)


@EVERY_ROW
def test_header_names_have_no_case(row: Row) -> None:
    sent = good(row)
    verify(row, replace(sent, headers={name.upper(): it for name, it in sent.headers.items()}))
