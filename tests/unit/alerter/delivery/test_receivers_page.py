"""The runbook's examples of receivers work as they stand."""

import re
from pathlib import Path

import pytest

from services.alerter.delivery.receivers import check_path, notifier_of
from services.alerter.delivery.settings import DeliverySettings
from shared.alerting.notifying import configuration

PAGE = Path(__file__).parents[4] / "deploy" / "runbook" / "receivers.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
URLS = re.findall(r"^\| (?:Slack|PagerDuty|Mail|ntfy) \| `(.*?)`", PAGE.read_text(), re.MULTILINE)
VARIABLES = {
    name: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" if "SECRET" in name else "https://desk.example"
    for name in re.findall(r"env:([A-Z_]+)", PAGE.read_text())
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_read_and_every_receiver_can_be_made(text: str) -> None:
    routing = configuration.read(
        {"alerting.yaml": text}, VARIABLES, text_of=lambda _: "mailtos://a:b@smtp.example.org"
    )
    path = "alertmanager" if "type: alertmanager" in text else "notifiers"
    settings = DeliverySettings(alerter_delivery=path)

    check_path(routing.receivers.values(), settings)
    for each in routing.receivers.values():
        if each.type != "alertmanager":
            notifier_of(each, settings)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_apprise_understands_the_urls() -> None:
    from apprise import Apprise

    filled = {
        "A…/B…/C…": "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "<integration key>": "0123456789abcdef0123456789abcdef",
        "<API key>": "abcdefghijklmnopqrst",
        "<token>": "tk_0123456789abcdef0123456789abc",
    }
    assert len(URLS) == 4
    for url in URLS:
        for shown, real in filled.items():
            url = url.replace(shown, real)
        assert Apprise().add(url), url
