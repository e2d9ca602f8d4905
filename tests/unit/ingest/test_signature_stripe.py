"""Stripe's scheme: any v1 under any active secret, within 300 s, never v0."""

import pytest

from services.ingest.signatures.stripe import StripeVerifier
from services.ingest.signatures.verifier import SignatureInvalid, SignatureMissing

SECRET = "whsec_test_secret"
NOW = 1_700_000_000
BODY = b'{"id":"evt_1","type":"charge.succeeded"}'
V1 = "c0475716eb2200f1fe97fcf35a3c05d1fd4f8ba9a07a596730c8d18bb87c0672"
OTHER = "0" * 64


def verify(
    header: str | None,
    *,
    body: bytes = BODY,
    secrets: tuple[str, ...] = (SECRET,),
    now: float = NOW,
) -> None:
    headers = {} if header is None else {"Stripe-Signature": header}
    StripeVerifier(secrets).verify(headers, body, now)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"t={NOW},v1={V1}", id="known vector"),
        pytest.param(f"t={NOW},v1={OTHER},v1={V1}", id="second v1 fits"),
        pytest.param(f"t={NOW},v1={V1},v1={OTHER}", id="first v1 fits"),
        pytest.param(f" t = {NOW} , v1 = {V1} ", id="spaces around items"),
        pytest.param(f"t={NOW},v1={V1},v0={OTHER},v2=x,extra", id="unknown items are skipped"),
    ],
)
def test_accepted(header: str) -> None:
    verify(header)


@pytest.mark.parametrize("secrets", [("whsec_new", SECRET), (SECRET, "whsec_new")])
def test_any_active_secret_is_accepted_while_one_is_rolled(secrets: tuple[str, ...]) -> None:
    verify(f"t={NOW},v1={V1}", secrets=secrets)


@pytest.mark.parametrize("distance", [-300, 0, 300])
def test_the_tolerance_is_300_seconds_either_way(distance: int) -> None:
    verify(f"t={NOW},v1={V1}", now=NOW + distance)


@pytest.mark.parametrize("distance", [-301, 301, 86_400])
def test_beyond_the_tolerance_is_refused(distance: int) -> None:
    with pytest.raises(SignatureInvalid, match="300 s"):
        verify(f"t={NOW},v1={V1}", now=NOW + distance)


def test_a_missing_header_is_named() -> None:
    with pytest.raises(SignatureMissing, match="Missing Stripe-Signature header"):
        verify(None)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"t={NOW},v0={V1}", id="v0 is never accepted"),
        pytest.param(f"t={NOW}", id="no signature"),
        pytest.param(f"v1={V1}", id="no timestamp"),
        pytest.param(f"t={NOW},t={NOW + 1},v1={V1}", id="two timestamps"),
        pytest.param(f"t=,v1={V1}", id="empty timestamp"),
        pytest.param(f"t=1e9,v1={V1}", id="timestamp in another notation"),
        pytest.param(f"t=-{NOW},v1={V1}", id="negative timestamp"),
        pytest.param(f"t=١٧٠٠٠٠٠٠٠٠,v1={V1}", id="digits of another script"),
        pytest.param(f"t={'9' * 400},v1={V1}", id="timestamp too long"),
        pytest.param(f"t={NOW + 1},v1={V1}", id="timestamp changed"),
        pytest.param(f"t={NOW},v1={V1.upper()}", id="case changed"),
        pytest.param(f"t={NOW},v1={V1[:-1]}", id="cut off"),
        pytest.param(f"t={NOW},v1=", id="empty signature"),
        pytest.param(f"t={NOW},v1=é\udcff", id="not ASCII"),
        pytest.param("," * 2000, id="nothing but commas"),
    ],
)
def test_everything_else_is_refused(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(header)


@pytest.mark.parametrize(
    ("body", "secrets"),
    [(BODY + b"\n", (SECRET,)), (BODY, ("test_secret",)), (BODY, ("whsec_another",))],
    ids=["tampered body", "secret without whsec_", "wrong secret"],
)
def test_another_body_or_secret_is_refused(body: bytes, secrets: tuple[str, ...]) -> None:
    with pytest.raises(SignatureInvalid, match="no v1"):
        verify(f"t={NOW},v1={V1}", body=body, secrets=secrets)
