"""Standard Webhooks: any v1 under any active secret, over id, time and body, within 300 s."""

import base64
import hmac

import pytest

from services.ingest.signatures.standard import StandardVerifier
from services.ingest.signatures.verifier import SignatureInvalid, SignatureMissing

# The vector of the reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW = 1_614_265_330
BODY = b'{"test": 2432232314}'
V1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
ANOTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


def headers(**changed: str) -> dict[str, str]:
    signed = {"id": ID, "timestamp": str(NOW), "signature": V1} | changed
    return {f"webhook-{name}": value for name, value in signed.items()}


def verify(
    given: dict[str, str],
    *,
    body: bytes = BODY,
    secrets: tuple[str, ...] = (SECRET,),
    now: float = NOW,
) -> None:
    StandardVerifier(secrets).verify(given, body, now)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(V1, id="known vector"),
        pytest.param(f"{OTHER} {V1}", id="second fits"),
        pytest.param(f"{V1} {OTHER}", id="first fits"),
        pytest.param(f"v2,x  v1a,AAAA garbage , {V1}", id="unknown items are skipped"),
    ],
)
def test_accepted(signature: str) -> None:
    verify(headers(signature=signature))


@pytest.mark.parametrize(
    "secrets",
    [
        pytest.param((SECRET.removeprefix("whsec_"),), id="without whsec_"),
        pytest.param((ANOTHER_SECRET, SECRET), id="rolled"),
        pytest.param((SECRET, ANOTHER_SECRET), id="about to be rolled"),
    ],
)
def test_any_active_secret_is_accepted_while_one_is_rolled(secrets: tuple[str, ...]) -> None:
    verify(headers(), secrets=secrets)


def test_senders_older_than_the_standard_use_another_prefix() -> None:
    svix = {name.replace("webhook-", "svix-"): value for name, value in headers().items()}
    StandardVerifier((SECRET,), prefix="svix-").verify(svix, BODY, NOW)
    with pytest.raises(SignatureMissing):
        verify(svix)


@pytest.mark.parametrize("distance", [-300, 0, 300])
def test_the_tolerance_is_300_seconds_either_way(distance: int) -> None:
    verify(headers(), now=NOW + distance)


@pytest.mark.parametrize("distance", [301, 86_400, -301, -86_400])
def test_stale_and_future_deliveries_are_refused(distance: int) -> None:
    with pytest.raises(SignatureInvalid, match="300 s"):
        verify(headers(), now=NOW + distance)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    given = headers()
    del given[name]
    with pytest.raises(SignatureMissing, match=f"Missing {name} header"):
        verify(given)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(headers(id="msg_other"), id="id changed"),
        pytest.param(headers(timestamp=str(NOW + 1)), id="time changed"),
        pytest.param(headers(timestamp="hello"), id="no time"),
        pytest.param(headers(timestamp=f"{NOW}.0"), id="time in another notation"),
        pytest.param(headers(timestamp="9" * 400), id="time too long"),
        pytest.param(headers(signature=OTHER), id="of something else"),
        pytest.param(headers(signature=V1[3:]), id="no version"),
        pytest.param(headers(signature="v1a" + V1[2:]), id="another version"),
        pytest.param(headers(signature=V1.rstrip("=")), id="padding cut off"),
        pytest.param(headers(signature="v1,"), id="empty"),
        pytest.param(headers(signature="v1,é\udcff"), id="not ASCII"),
        pytest.param(headers(signature="v1, " * 1500), id="nothing but commas"),
    ],
)
def test_everything_else_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid):
        verify(given)


def test_another_body_or_secret_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify(headers(), body=BODY + b"\n")
    with pytest.raises(SignatureInvalid):
        verify(headers(), secrets=(ANOTHER_SECRET,))


def test_the_key_is_what_the_secret_decodes_to_not_its_text() -> None:
    digest = hmac.digest(SECRET.encode(), f"{ID}.{NOW}.".encode() + BODY, "sha256")
    with pytest.raises(SignatureInvalid):
        verify(headers(signature="v1," + base64.b64encode(digest).decode()))


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("whsec_not base64!", "not base64"),
        ("whsec_é", "not base64"),
        ("whsec_MfKQ9r8GKYqrTwj", "not base64"),
        ("whsec_", "0 bytes"),
        ("whsec_MfKQ9r8GKYqrTwjU", "12 bytes"),
        ("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "public key"),
    ],
)
def test_what_is_no_secret_of_this_kind_is_refused_without_being_shown(
    secret: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        StandardVerifier((SECRET, secret))
    assert secret.removeprefix("whsec_") == "" or secret not in str(refused.value)


def test_without_a_secret_there_is_no_verifier() -> None:
    with pytest.raises(ValueError, match="empty secret"):
        StandardVerifier(())
