"""HubSpot's schemes: v3 over method, public URI, body and time; v1 and v2 only when asked for."""

import base64
import hashlib
import hmac

import pytest

from services.ingest.signatures.hubspot import HubSpotVerifier, decoded
from services.ingest.signatures.verifier import Requested, SignatureInvalid, SignatureMissing

SECRET = "hub_test_secret"
BASE = "https://api.example.com"
TARGET = "/webhooks/hubspot/webhook"
BODY = b'[{"eventId":1,"subscriptionType":"contact.creation","objectId":42}]'
MILLISECONDS = 1_700_000_000_000
NOW = MILLISECONDS / 1000
V3 = "AleCG+WPP4uuKONqk5O0Odcx1+s0JhAiDF6xO2Kxj30="
V1 = "ce856accb0e10c583c29aeb1af6e00398567a24ba1329c8b7dab393163cf6a73"

VENDOR_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
"""Of the vendor's published examples."""
VENDOR_V1_BODY = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
    b'"changeFlag":"NEW","appId":54321}]'
)
VENDOR_V1 = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
VENDOR_V2_BODY = b'{"example_field":"example_value"}'
VENDOR_V2 = "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"
VENDOR_V2_OF_GET = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"


def v3(
    uri: str = BASE + TARGET, *, body: bytes = BODY, secret: str = SECRET, time: object = ""
) -> dict[str, str]:
    """Headers of a delivery as the vendor signs it."""
    stamp = str(time or MILLISECONDS)
    digest = hmac.digest(secret.encode(), f"POST{uri}".encode() + body + stamp.encode(), "sha256")
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": stamp,
    }


def verify(
    headers: dict[str, str],
    *,
    body: bytes = BODY,
    secrets: tuple[str, ...] = (SECRET,),
    bases: tuple[str, ...] = (BASE,),
    target: str = TARGET,
    method: str = "POST",
    old: bool = False,
    now: float = NOW,
) -> None:
    HubSpotVerifier(secrets, bases, old_versions=old).verify(
        headers, body, now, Requested(method, target)
    )


def test_the_known_v3_vector_is_accepted() -> None:
    known = {"X-HubSpot-Signature-v3": V3, "X-HubSpot-Request-Timestamp": str(MILLISECONDS)}
    assert known == v3()
    verify(known)


@pytest.mark.parametrize("secrets", [("new", SECRET), (SECRET, "new")])
def test_any_active_secret_is_accepted_while_one_is_rolled(secrets: tuple[str, ...]) -> None:
    verify(v3(), secrets=secrets)


@pytest.mark.parametrize(
    ("called", "bases", "target"),
    [
        pytest.param(BASE + TARGET, (BASE + "/",), TARGET, id="base URL ends in a slash"),
        pytest.param(
            "https://x.example/hooks/in", ("https://x.example/hooks",), "/in", id="prefix taken off"
        ),
        pytest.param(
            "https://old.example" + TARGET,
            ("https://new.example", "https://old.example"),
            TARGET,
            id="one base URL replaces another",
        ),
        pytest.param(BASE + TARGET + "?a=1&b=2", (BASE,), TARGET + "?a=1&b=2", id="query"),
        pytest.param(
            BASE + TARGET + "?to=https://x.example/a?b,(c)",
            (BASE,),
            TARGET + "?to=https%3A%2F%2Fx.example%2fa%3fb%2C%28c%29",
            id="the vendor signs some escapes decoded",
        ),
        pytest.param(BASE + TARGET + "?a=%20%C3%A9", (BASE,), TARGET + "?a=%20%C3%A9", id="others"),
    ],
)
def test_the_uri_is_the_one_that_the_vendor_called(
    called: str, bases: tuple[str, ...], target: str
) -> None:
    verify(v3(called), bases=bases, target=target)


def test_twelve_escapes_are_decoded_once_and_no_others() -> None:
    assert decoded("%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B") == ":/?@!$'()*,;"
    assert decoded("%3a%2f%2a") == ":/*"
    assert (
        decoded("%253A %25 %26 %3D %2B %20 %C3%A9 %3 %") == "%253A %25 %26 %3D %2B %20 %C3%A9 %3 %"
    )


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_without_a_base_url_the_host_header_is_believed(scheme: str) -> None:
    signed = v3(f"{scheme}://hooks.example{TARGET}")
    verify({**signed, "Host": "hooks.example"}, bases=())
    with pytest.raises(SignatureInvalid):
        verify({**signed, "Host": "other.example"}, bases=())
    with pytest.raises(SignatureInvalid):
        verify(signed, bases=())


def test_with_a_base_url_the_host_header_is_not_believed() -> None:
    with pytest.raises(SignatureInvalid, match="public base URL"):
        verify({**v3(f"https://hooks.example{TARGET}"), "Host": "hooks.example"})


@pytest.mark.parametrize("distance", [-300, 0, 300])
def test_the_tolerance_is_300_seconds_either_way(distance: int) -> None:
    verify(v3(), now=NOW + distance)


@pytest.mark.parametrize("distance", [300.001, 301, 86_400, -300.001, -86_400])
def test_stale_and_future_deliveries_are_refused(distance: float) -> None:
    with pytest.raises(SignatureInvalid, match="300 s"):
        verify(v3(), now=NOW + distance)


@pytest.mark.parametrize("headers", [{}, {"X-HubSpot-Signature-v3": "", "X-HubSpot-Signature": ""}])
def test_a_missing_header_is_named(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureMissing, match="Missing HubSpot signature header"):
        verify(headers, old=True)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(v3(body=BODY + b" "), id="tampered body"),
        pytest.param(v3(secret="another"), id="wrong secret"),
        pytest.param(v3(BASE + "/webhooks/hubspot/other"), id="another path"),
        pytest.param(v3("https://evil.example" + TARGET), id="another host"),
        pytest.param(v3("http" + BASE[5:] + TARGET), id="another scheme"),
        pytest.param(v3(time="1700000000"), id="seconds in place of milliseconds"),
        pytest.param(v3(time="-1700000000000"), id="negative time"),
        pytest.param(v3(time="1.7e12"), id="time in another notation"),
        pytest.param(v3(time="١٧٠٠٠٠٠٠٠٠٠٠٠"), id="digits of another script"),
        pytest.param(v3(time="9" * 400), id="time too long"),
        pytest.param({"X-HubSpot-Signature-v3": V3}, id="no time"),
        pytest.param(
            v3() | {"X-HubSpot-Request-Timestamp": str(MILLISECONDS + 1)}, id="time changed"
        ),
        pytest.param(
            v3() | {"X-HubSpot-Signature-v3": base64.b64decode(V3).hex()}, id="hex, not base64"
        ),
        pytest.param(v3() | {"X-HubSpot-Signature-v3": V3.rstrip("=")}, id="padding cut off"),
        pytest.param(v3() | {"X-HubSpot-Signature-v3": "é\udcff"}, id="not ASCII"),
    ],
)
def test_everything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid):
        verify(headers)


def test_the_method_is_signed() -> None:
    with pytest.raises(SignatureInvalid):
        verify(v3(), method="PUT")


OLD = {"X-HubSpot-Signature": V1, "X-HubSpot-Signature-Version": "v1"}


@pytest.mark.parametrize("headers", [OLD, {"X-HubSpot-Signature": V1}], ids=["v1", "no version"])
def test_the_known_v1_vector_is_accepted_only_when_asked_for(headers: dict[str, str]) -> None:
    verify(headers, old=True)
    verify(headers, old=True, secrets=("new", SECRET))
    with pytest.raises(SignatureInvalid, match="no replay protection"):
        verify(headers)


def test_the_vendors_own_examples_are_accepted() -> None:
    verifier = HubSpotVerifier((VENDOR_SECRET,), ("https://www.example.com",), old_versions=True)
    v2 = {"X-HubSpot-Signature-Version": "v2"}
    verifier.verify({"X-HubSpot-Signature": VENDOR_V1}, VENDOR_V1_BODY, NOW)
    verifier.verify(
        {"X-HubSpot-Signature": VENDOR_V2, **v2},
        VENDOR_V2_BODY,
        NOW,
        Requested("POST", "/webhook_uri"),
    )
    verifier.verify(
        {"X-HubSpot-Signature": VENDOR_V2_OF_GET, **v2}, b"", NOW, Requested("GET", "/webhook_uri")
    )


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "v9", ""])
def test_old_signatures_of_something_else_are_refused(version: str) -> None:
    wrong = {"X-HubSpot-Signature": V1, "X-HubSpot-Signature-Version": version}
    with pytest.raises(SignatureInvalid):
        verify(wrong, old=True, body=BODY + b" ")
    with pytest.raises(SignatureInvalid):
        verify(wrong, old=True, secrets=("another",))


def test_a_v1_signature_is_not_taken_for_a_v2_signature() -> None:
    with pytest.raises(SignatureInvalid):
        verify({**OLD, "X-HubSpot-Signature-Version": "v2"}, old=True)
    of_v2 = hashlib.sha256(f"{SECRET}POST{BASE}{TARGET}".encode() + BODY).hexdigest()
    verify({"X-HubSpot-Signature": of_v2, "X-HubSpot-Signature-Version": "v2"}, old=True)
    with pytest.raises(SignatureInvalid):
        verify({**OLD, "X-HubSpot-Signature": of_v2}, old=True)


def test_nobody_can_fall_back_behind_a_v3_signature() -> None:
    with pytest.raises(SignatureInvalid):
        verify({**OLD, **v3(secret="another")}, old=True)


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_an_empty_secret_is_never_a_key(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="empty secret"):
        HubSpotVerifier(secrets)
