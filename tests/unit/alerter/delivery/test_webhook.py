"""A webhook receiver, over real connections: what it is sent, and what its answers mean."""

import base64
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from services.alerter.delivery import webhook_body
from services.alerter.delivery.links import Links
from services.alerter.delivery.notifier import NotDelivered
from services.alerter.delivery.posting import LONGEST_RETRY_AFTER_S
from services.alerter.delivery.signing import WebhookSigner
from services.alerter.delivery.webhook import WebhookNotifier
from services.alerter.delivery.webhook_body import webhook_bodies
from shared.runtime.errors import ConfigurationError
from tests.support.alert_receiver import HANG, LOST, AlertReceiver, Answer, alert_receiver
from tests.support.notifications import alert, notification

TOKEN = "T0KEN-in-the-path"
SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
TOLD = notification()


async def told(receiver: AlertReceiver, timeout_s: float = 30) -> None:
    notifier = WebhookNotifier(SecretStr(f"{receiver.url}/{TOKEN}"), Links(), timeout_s=timeout_s)
    try:
        await notifier.notify(TOLD)
    finally:
        await notifier.close()


async def refused(*answers: Answer | str, timeout_s: float = 30) -> NotDelivered:
    async with alert_receiver(*answers) as receiver:
        with pytest.raises(NotDelivered) as caught:
            await told(receiver, timeout_s)
        assert len(receiver.received) == 1
    assert TOKEN not in str(caught.value)
    return caught.value


@pytest.mark.asyncio
async def test_it_is_posted_json_under_its_idempotency_key() -> None:
    async with alert_receiver() as receiver:
        await told(receiver)

    [arrived] = receiver.received
    assert arrived.path == f"/{TOKEN}"
    assert [(TOLD.idempotency_key, arrived.body)] == list(webhook_bodies(TOLD, Links()))
    assert arrived.headers["Content-Type"] == "application/json"
    assert arrived.headers["Idempotency-Key"] == TOLD.idempotency_key
    assert not [name for name in arrived.headers if name.lower().startswith("webhook-")]


@pytest.mark.asyncio
async def test_very_many_alerts_are_posted_in_several_bodies_and_all_again_if_one_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook_body, "MOST", 2)
    many = notification([alert(table=str(number)) for number in range(5)])
    async with alert_receiver(Answer(200), Answer(503)) as receiver:
        notifier = WebhookNotifier(SecretStr(receiver.url), Links())
        with pytest.raises(NotDelivered):
            await notifier.notify(many)
        await notifier.notify(many)
        await notifier.close()

    keys = [each.headers["Idempotency-Key"] for each in receiver.received]
    assert keys == [
        *(many.idempotency_key, f"{many.idempotency_key}/2"),
        *(many.idempotency_key, f"{many.idempotency_key}/2", f"{many.idempotency_key}/3"),
    ]


@pytest.mark.asyncio
async def test_what_is_signed_a_standard_webhooks_receiver_accepts() -> None:
    # The receiving side of the platform verifies it: neither knows the other's code.
    from services.ingest.signatures.standard import StandardVerifier

    now = 1_767_323_045.0
    async with alert_receiver() as receiver:
        notifier = WebhookNotifier(
            SecretStr(receiver.url),
            Links(),
            WebhookSigner("desk", SecretStr(SECRET)),
            clock=lambda: now,
        )
        await notifier.notify(TOLD)
        await notifier.close()

    [arrived] = receiver.received
    assert arrived.headers["webhook-id"] == TOLD.idempotency_key
    StandardVerifier([SECRET]).verify(arrived.headers, arrived.body, now + 60)
    with pytest.raises(Exception, match="no v1"):
        StandardVerifier([SECRET]).verify(arrived.headers, arrived.body + b" ", now)


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    """From the test vectors of its reference implementations."""
    signer = WebhookSigner("desk", SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    headers = signer.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1_614_265_330)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "whsec_AAAA", "not base64!", SECRET[:-3]])
def test_a_secret_that_cannot_sign_is_told_without_being_shown(secret: str) -> None:
    with pytest.raises(ConfigurationError, match='receiver "desk"') as caught:
        WebhookSigner("desk", SecretStr(secret))

    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@pytest.mark.asyncio
async def test_a_passing_refusal_may_be_repeated(status: int) -> None:
    error = await refused(Answer(status))

    assert (error.what, error.again, error.retry_after_s) == (f"answered {status}", True, None)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 413])
@pytest.mark.asyncio
async def test_a_lasting_refusal_is_not_repeated_and_redirects_are_not_followed(
    status: int,
) -> None:
    error = await refused(Answer(status, {"Location": "/elsewhere"}))

    assert not error.again


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("99999", LONGEST_RETRY_AFTER_S),
        ("soon", None),
        (format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True), 3600.0),
    ],
    ids=["seconds", "too-many", "words", "past", "tomorrow"],
)
@pytest.mark.asyncio
async def test_how_long_a_receiver_wants_to_be_left_alone_is_passed_on(
    header: str, seconds: float | None
) -> None:
    error = await refused(Answer(429, {"Retry-After": header}))

    assert error.retry_after_s == seconds


@pytest.mark.asyncio
async def test_a_receiver_that_hangs_is_left_after_the_timeout() -> None:
    error = await refused(HANG, timeout_s=0.2)

    assert (error.what, error.again) == ("no answer in time", True)


@pytest.mark.asyncio
async def test_a_cut_connection_may_have_been_a_success_so_the_same_is_sent_again() -> None:
    error = await refused(LOST)

    assert error.again


@pytest.mark.asyncio
async def test_nobody_listening_is_a_passing_failure() -> None:
    async with alert_receiver() as receiver:
        pass
    with pytest.raises(NotDelivered) as caught:
        await told(receiver)

    assert caught.value.again


@pytest.mark.asyncio
async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x" * 65_536)
        return response

    application = web.Application()
    application.router.add_post("/", endless)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        notifier = WebhookNotifier(
            SecretStr(f"http://127.0.0.1:{runner.addresses[0][1]}/"), Links(), timeout_s=60
        )
        await notifier.notify(TOLD)
        await notifier.close()
    finally:
        await runner.cleanup()


@pytest.mark.asyncio
async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    async with alert_receiver(tls=self_signed(tmp_path)) as receiver:
        with pytest.raises(NotDelivered, match="certificate is not trusted"):
            await told(receiver)

    assert receiver.received == []


@pytest.mark.asyncio
async def test_credentials_in_the_address_are_basic_authentication() -> None:
    async with alert_receiver() as receiver:
        url = receiver.url.replace("http://", "http://ada:s3cret@")
        notifier = WebhookNotifier(SecretStr(url), Links())
        await notifier.notify(TOLD)
        await notifier.close()

    credentials = base64.b64encode(b"ada:s3cret").decode()
    assert receiver.received[0].headers["Authorization"] == f"Basic {credentials}"


def self_signed(directory: Path) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl, which makes the certificate")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", key, "-out", certificate, "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
