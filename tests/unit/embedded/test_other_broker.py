"""The platform on a Kafka that is there already (``bergline up --brokers``)."""

from pathlib import Path

import pytest

from deploy.embedded import launch, platform, ports
from deploy.embedded.connection import connection, refuse_foreign_connection
from deploy.embedded.layout import Layout
from deploy.embedded.order import waves
from deploy.embedded.ports import PortSettings
from deploy.embedded.secrets import Secrets
from deploy.embedded.services import replicas_of
from shared.runtime.errors import ConfigurationError

OTHER = "kafka.example:9092"


def test_no_broker_is_started(tmp_path: Path) -> None:
    replicas = replicas_of({})
    plan = platform.plan(
        Layout(tmp_path), PortSettings(), Secrets.generate(), replicas, with_broker=False
    )
    assert waves(plan) == [
        ["storage", "bootstrap"],
        ["ingest", "stream_writer", "transformer", "maintainer", "alerter"],
    ]


def test_the_embedded_broker_s_ports_are_not_claimed() -> None:
    needed = ports.needed(PortSettings(), {}, with_broker=False)
    assert not {9092, 9644} & {port.number for port in needed}


def test_everybody_is_sent_to_the_other_broker() -> None:
    told = connection(PortSettings(), Secrets.generate(), OTHER)
    assert told["BERGLINE_BROKERS"] == OTHER
    assert told["BERGLINE_BROKER_ADMIN"] == ""


def test_variables_may_agree_with_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_BROKERS", OTHER)
    monkeypatch.setenv("BERGLINE_BROKER_ADMIN", "http://kafka.example:9644")
    refuse_foreign_connection(PortSettings(), Secrets.generate(), OTHER)
    with pytest.raises(ConfigurationError, match="BERGLINE_BROKERS point"):
        refuse_foreign_connection(PortSettings(), Secrets.generate(), "other:9092")


@pytest.mark.parametrize("brokers", ["", "kafka", "kafka:", ":9092", "a:1,,b:2", "a:x"])
def test_what_is_no_address_is_refused(tmp_path: Path, brokers: str) -> None:
    with pytest.raises(ConfigurationError, match="not of the form HOST:PORT"):
        launch.run(Layout(tmp_path / "data"), {}, brokers=brokers)
    assert not (tmp_path / "data").exists()
