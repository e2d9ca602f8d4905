"""``alerting.yaml`` is read; what is wrong in it is told with its place, all of it at once.

``files/*.good.yaml`` are read without a problem, ``files/*.bad.yaml`` end with the problems that
they have, a comment each.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.alerting.notifying.configuration import (
    FILE,
    NOBODY,
    RoutingInvalid,
    of_project,
    read,
)
from shared.alerting.notifying.consequences import BUILT_IN
from shared.alerting.notifying.inhibition import Inhibition
from shared.alerting.notifying.routing import Escalation, Routing, every
from shared.alerting.reading import built_in
from shared.contracts.alerts import Matcher

CASES = Path(__file__).parent / "files"
EXPECTED = re.compile(r"^# (\d+:\d+: .+)$", re.MULTILINE)
SECRETS = {
    "CHAT_URL": "tgram://123456/in-the-variable",
    "SIGNING": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "AM_URL": "https://user:password@alertmanager/prefix",
    "NOT_SET": " ",
}


def text_of(path: Path) -> str:
    found = {"/run/secrets/on-call": "https://on-call.example/hook\n", "/empty": "\n"}
    if str(path) not in found:
        raise FileNotFoundError(2, "No such file or directory")
    return found[str(path)]


def routing(text: str, time_scale: float = 1.0) -> Routing:
    return read({FILE: text}, SECRETS, time_scale=time_scale, text_of=text_of)


def case(name: str) -> str:
    return (CASES / name).read_text()


@pytest.mark.parametrize("path", sorted(CASES.glob("*.good.yaml")), ids=lambda path: path.name)
def test_a_good_file_is_read(path: Path) -> None:
    assert routing(path.read_text()).receivers


@pytest.mark.parametrize("path", sorted(CASES.glob("*.bad.yaml")), ids=lambda path: path.name)
def test_everything_wrong_is_told_with_its_place(path: Path) -> None:
    text = path.read_text()
    with pytest.raises(RoutingInvalid) as raised:
        routing(text)
    told = [str(each).removeprefix(f"{FILE}:") for each in raised.value.problems]
    assert told == EXPECTED.findall(text)
    assert told


def test_no_secret_is_shown() -> None:
    made = routing(case("every_part.good.yaml"))
    for shown in (repr(made), str(made.receivers["chat"])):
        assert "in-the-variable" not in shown
        assert "whsec_" not in shown
        assert "on-call.example" not in shown
    with pytest.raises(RoutingInvalid) as raised:
        routing(case("receivers.bad.yaml"))
    for secret in ("123456", "password@", "whsec_plain"):
        assert secret not in str(raised.value)


def test_secrets_are_taken_from_where_the_file_says() -> None:
    receivers = routing(case("every_part.good.yaml")).receivers
    assert receivers["chat"].url.get_secret_value() == SECRETS["CHAT_URL"]
    assert receivers["on-call"].url.get_secret_value() == "https://on-call.example/hook"
    secret = receivers["on-call"].secret
    assert secret is not None
    assert secret.get_secret_value() == SECRETS["SIGNING"]


def test_a_route_has_from_above_what_it_does_not_say() -> None:
    root = routing(case("every_part.good.yaml"), time_scale=0.5).root
    assert root is not None
    assert (root.receiver, root.group_by) == ("chat", ("alertname", "team"))
    assert (root.group_wait_s, root.group_interval_s, root.repeat_interval_s) == (15, 30, 21_600)
    critical, other = root.routes
    assert critical.matchers == (Matcher(label="severity", value="critical"),)
    assert critical.continues
    assert (critical.group_wait_s, critical.group_interval_s) == (15, 60)
    assert critical.escalations == (Escalation(450, "chat"), Escalation(1800, "watchdog"))
    (platform,) = critical.routes
    assert platform.receiver == "on-call"
    assert platform.escalations == (Escalation(150, "chat"),)
    assert not platform.continues
    assert platform.matchers[1] == Matcher(label="table", op="=~", value="raw\\..*")
    assert (other.receiver, other.group_by, other.escalations) == ("chat", ("...",), ())
    assert len(list(every(root))) == 4


def test_inhibitions_stand_beside_those_that_come_with_the_platform() -> None:
    made = routing(case("every_part.good.yaml"))
    assert made.inhibitions == (
        *BUILT_IN,
        Inhibition(
            source=(Matcher(label="alertname", value="HostDown"),),
            target=(Matcher(label="alertname", op="!~", value="HostDown|AlerterAlive"),),
            equal=("host",),
        ),
    )


def test_the_platforms_inhibitions_name_rules_that_there_are() -> None:
    rules = set(re.findall(r"- alert: (\w+)", "\n".join(built_in().values())))
    named = [
        name
        for inhibition in BUILT_IN
        for matcher in (*inhibition.source, *inhibition.target)
        for name in matcher.value.split("|")
    ]
    assert set(named) <= rules


def test_without_a_file_nobody_is_told(tmp_path: Path) -> None:
    assert read(of_project(tmp_path), {}) == NOBODY
    (tmp_path / FILE).write_text(case("alertmanager.good.yaml"))
    found = of_project(tmp_path)
    assert set(read(found, SECRETS).receivers) == {"am-1", "am-2"}


def test_bytes_that_are_no_text_have_a_place(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"receivers:\n  - name: \xff\n")
    with pytest.raises(RoutingInvalid, match=r"alerting\.yaml:2:1: no UTF-8 text"):
        of_project(tmp_path)


def test_what_the_runbook_shows_is_read() -> None:
    page = (Path(__file__).parents[4] / "deploy/runbook/receivers.md").read_text()
    variables = {name: f"https://example/{name}" for name in re.findall(r"env:(\w+)", page)}
    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(shown) >= 3
    for text in shown:
        assert read({FILE: text}, variables, text_of=lambda _path: "https://example/file").receivers
