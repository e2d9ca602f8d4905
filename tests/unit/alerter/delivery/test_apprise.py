"""A receiver behind the apprise library: what it is told, and that its URL is never shown."""

import logging
import sys
import threading
from collections.abc import Iterator

import orjson
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.alerter.delivery import apprise
from services.alerter.delivery.apprise import AppriseNotifier
from services.alerter.delivery.links import Links
from services.alerter.delivery.notifier import NotDelivered
from shared.runtime.errors import ConfigurationError
from tests.support.alert_receiver import HANG, Answer, alert_receiver
from tests.support.notifications import alert, notification

# What apprise imports is not ours; Python 3.13 has no imghdr, nor needs it there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

TOKEN = "T0KEN-of-a-chat"
PASSWORD = "p4ssword-of-a-chat"
TALKATIVE = ("apprise", "urllib3", "urllib3.connectionpool", "requests")


@pytest.fixture(autouse=True)
def _libraries_log_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    before = [(each.propagate, each.handlers[:], each.level) for each in loggers]
    yield
    for each, (propagate, handlers, level) in zip(loggers, before, strict=True):
        each.propagate, each.handlers[:] = propagate, handlers
        each.setLevel(level)


def url(address: str) -> SecretStr:
    return SecretStr(address.replace("http://", f"json://ada:{PASSWORD}@") + f"/{TOKEN}")


@pytest.mark.asyncio
async def test_a_service_of_apprise_is_told_title_text_and_mood() -> None:
    over = notification([alert(state="resolved", transition=3)])
    async with alert_receiver() as receiver:
        notifier = AppriseNotifier("chat", url(receiver.url), Links())
        await notifier.prepare()
        await notifier.notify(notification([alert(severity="critical")]))
        await notifier.notify(over)
        await notifier.close()

    bodies = [orjson.loads(each.body) for each in receiver.received]
    assert [each["type"] for each in bodies] == ["failure", "success"]
    assert {each["title"] for each in bodies} == {"Bergline: alertname=KafkaConsumerLagHigh"}
    assert "firing critical: KafkaConsumerLagHigh" in bodies[0]["message"]


@pytest.mark.asyncio
async def test_every_failure_may_be_a_passing_one() -> None:
    async with alert_receiver(Answer(500), Answer(404)) as receiver:
        notifier = AppriseNotifier("chat", url(receiver.url), Links())
        for _ in range(2):
            with pytest.raises(NotDelivered) as caught:
                await notifier.notify(notification())
            assert caught.value.again

    with pytest.raises(NotDelivered):
        await notifier.notify(notification())  # nobody listens any more


@pytest.mark.asyncio
async def test_one_that_hangs_is_left_after_the_timeout() -> None:
    async with alert_receiver(HANG) as receiver:
        notifier = AppriseNotifier("chat", url(receiver.url), Links(), timeout_s=0.5)
        await notifier.prepare()
        with pytest.raises(NotDelivered, match="no answer in time") as caught:
            await notifier.notify(notification())

    assert caught.value.again


@pytest.mark.parametrize("wrong", ["nosuch://", "slack://", "json://", "", TOKEN])
@pytest.mark.asyncio
async def test_a_url_that_apprise_does_not_understand_is_found_at_start(wrong: str) -> None:
    notifier = AppriseNotifier("chat", SecretStr(f"{wrong}"), Links())
    with pytest.raises(ConfigurationError, match='receiver "chat"') as caught:
        await notifier.prepare()
    with pytest.raises(NotDelivered) as refused:
        await notifier.notify(notification())

    assert not refused.value.again
    assert TOKEN not in f"{caught.value} {refused.value}"


@pytest.mark.asyncio
async def test_threads_of_receivers_hold_up_no_end_of_the_process() -> None:
    others = set(threading.enumerate())
    async with alert_receiver() as receiver:
        notifier = AppriseNotifier("chat", url(receiver.url), Links())
        await notifier.notify(notification())

    assert [
        each.name for each in threading.enumerate() if not each.daemon and each not in others
    ] == []


def test_it_is_not_imported_before_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys; from pydantic import SecretStr;"
        "from services.alerter.delivery.apprise import AppriseNotifier;"
        "from services.alerter.delivery.links import Links;"
        "AppriseNotifier('chat', SecretStr('json://localhost'), Links());"
        "sys.exit('apprise' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def everything_that_can_be_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> str:
    """What is logged and printed while all goes wrong, and right, at the lowest level."""
    caplog.set_level(1)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(1)
    with capture_logs() as lines:
        for wrong in (f"nosuch://{TOKEN}", f"slack://{TOKEN}", f"json://ada:{PASSWORD}@:x/{TOKEN}"):
            with pytest.raises(ConfigurationError):
                await AppriseNotifier("chat", SecretStr(wrong), Links()).prepare()
        async with alert_receiver(Answer(200), Answer(500, body=TOKEN.encode())) as receiver:
            notifier = AppriseNotifier("chat", url(receiver.url), Links())
            await notifier.notify(notification())
            with pytest.raises(NotDelivered):
                await notifier.notify(notification())
        with pytest.raises(NotDelivered):
            await notifier.notify(notification())
    printed = capfd.readouterr()
    return f"{caplog.text} {lines} {printed.out} {printed.err} {notifier!r} {vars(notifier)}"


@pytest.mark.asyncio
async def test_no_line_of_any_log_shows_the_url(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    logged = await everything_that_can_be_logged(caplog, capfd)

    assert TOKEN not in logged
    assert PASSWORD not in logged


@pytest.mark.asyncio
async def test_the_libraries_would_show_it(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without this, the test above could pass for nothing."""
    monkeypatch.setattr(apprise, "silence_libraries", lambda: None)
    for name in TALKATIVE:
        logging.getLogger(name).propagate = True

    assert TOKEN in await everything_that_can_be_logged(caplog, capfd)


@pytest.mark.asyncio
async def test_a_pager_ends_the_incident_that_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    posted: list[dict[str, object]] = []

    def post(_address: str, data: str, **_named: object) -> requests.Response:
        posted.append(orjson.loads(data))
        answer = requests.Response()
        answer.status_code = 202
        return answer

    monkeypatch.setattr(requests, "post", post)
    pager = SecretStr(f"pagerduty://{'0' * 32}@{'a' * 20}/bergline/alerter?action=map")
    notifier = AppriseNotifier("pager", pager, Links())
    await notifier.notify(notification([alert(severity="critical")]))
    await notifier.notify(notification([alert(state="resolved", transition=3)]))

    began, ended = posted
    assert [began["event_action"], ended["event_action"]] == ["trigger", "resolve"]
    assert began["dedup_key"] == ended["dedup_key"]
