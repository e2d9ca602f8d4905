"""The order of starting, and what it refuses."""

from pathlib import Path

import pytest

from deploy.embedded import platform
from deploy.embedded.giving_up import ended
from deploy.embedded.layout import Layout
from deploy.embedded.order import waves
from deploy.embedded.ports import PortSettings
from deploy.embedded.processes import Child
from deploy.embedded.secrets import Secrets
from deploy.embedded.services import replicas_of
from deploy.embedded.supervisor import STOP_SECONDS
from shared.runtime.errors import ConfigurationError


def child(name: str, *after: str) -> Child:
    return Child(
        name=name,
        arguments=("true",),
        environment={},
        log=Path("log"),
        directory=Path(),
        ready=None,
        after=after,
    )


def test_services_wait_for_storage_broker_and_bootstrap(tmp_path: Path) -> None:
    plan = platform.plan(
        Layout(tmp_path),
        PortSettings(),
        Secrets.generate(),
        replicas_of({"stream_writer": 2}),
    )
    assert waves(plan) == [
        ["storage", "broker", "bootstrap"],
        ["ingest", "stream_writer", "stream_writer-1", "transformer", "maintainer", "alerter"],
    ]


def test_all_waves_together_stop_in_time(tmp_path: Path) -> None:
    plan = platform.plan(Layout(tmp_path), PortSettings(), Secrets.generate(), replicas_of({}))
    limits = {each.name: each.stop_within_seconds for each in plan if not each.task}
    longest = [
        max((limits[name] for name in wave if name in limits), default=0.0) for wave in waves(plan)
    ]
    assert sum(longest) < STOP_SECONDS


def test_waiting_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody is called ghost"):
        waves([child("a", "ghost")])


def test_waiting_in_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="a, b"):
        waves([child("a", "b"), child("b", "a")])


@pytest.mark.parametrize("wanted", [{"ingset": 1}, {"ingest": -1}, {"ingest": 1000}])
def test_replicas_of_what_does_not_exist_are_refused(wanted: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="--replicas"):
        replicas_of(wanted)


def test_the_end_of_a_process_is_told_in_words() -> None:
    assert ended(-9) == "ended by SIGKILL"
    assert ended(1) == "ended with exit code 1"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "alerter,ingest,maintainer,stream_writer,transformer"),
        ({"transformer": 0, "maintainer": 0, "ingest": 2}, "alerter,ingest,stream_writer"),
    ],
)
def test_services_that_are_not_started_are_not_expected(
    tmp_path: Path, wanted: dict[str, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> str:
        replicas = replicas_of(wanted)
        plan = platform.plan(Layout(tmp_path), PortSettings(), Secrets.generate(), replicas)
        [alerter] = [each for each in plan if each.name == "alerter"]
        return alerter.environment[platform.EXPECTED_SERVICES_VARIABLE]

    monkeypatch.delenv(platform.EXPECTED_SERVICES_VARIABLE, raising=False)
    assert told() == expected
    monkeypatch.setenv(platform.EXPECTED_SERVICES_VARIABLE, "alerter,ingest")
    assert told() == "alerter,ingest", "who says something else is heard"
