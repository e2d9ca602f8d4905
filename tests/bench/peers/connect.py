"""Kafka Connect, standalone, with Iceberg's sink connector."""

from __future__ import annotations

from pathlib import Path

from shared.lake.catalog import open_catalog
from shared.runtime.settings import Settings
from tests.bench.peers.contestant import Contestant
from tests.bench.peers.java import class_path, command, compiled, environment
from tests.bench.peers.java_catalog import java_catalog
from tests.bench.peers.orders_tables import NAMESPACE, make_table
from tests.bench.peers.topic import TOPIC, make_topic
from tests.support.worker_ports import free_port

_FOLDER = Path(__file__).with_name("connect")


class ConnectTyped(Contestant):
    """Typed columns by Connect's JSON converter; the payload is gone."""

    name = "connect"
    title = "Iceberg Kafka Connect 1.11.0 on Kafka 4.3.1, without the payload"
    table = f"{NAMESPACE}.connect"
    payload = False

    def __init__(self, settings: Settings, directory: Path) -> None:
        super().__init__(settings, directory)
        source = _FOLDER / "PayloadConverter.java"
        self._classes = compiled(source, class_path(_FOLDER), directory)
        services = directory / "META-INF" / "services"
        services.mkdir(parents=True)
        (services / "org.apache.kafka.connect.storage.Converter").write_text("PayloadConverter\n")

    def prepare(self) -> None:
        """One table, and the topic over which its tasks agree on commits."""
        name = self.table.partition(".")[2]
        catalog = open_catalog(self.settings)
        make_table(catalog, name, nested=True, times=True, payload=self.payload)
        make_topic(self.settings.brokers, self._control_topic)

    def start(self, commit_seconds: int) -> None:
        """A worker with one task."""
        worker, connector = self.directory / "worker.properties", self.directory / "sink.properties"
        _write(worker, self._worker())
        _write(connector, self._connector(commit_seconds))
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        arguments = command(self._classes, main, str(worker), str(connector))
        self._launch(arguments, environment=environment())

    @property
    def _control_topic(self) -> str:
        return f"control-{self.name}"

    def _worker(self) -> dict[str, str]:
        return {
            "bootstrap.servers": self.settings.brokers,
            "listeners": f"http://127.0.0.1:{free_port()}",
            "offset.storage.file.filename": str(self.directory / "offsets"),
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "PayloadConverter"
            if self.payload
            else "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            # Its task looks at the commits to be made only between polls, and a poll of an idle
            # topic lasts until this is due: a minute by default.
            "offset.flush.interval.ms": "1000",
            "consumer.auto.offset.reset": "earliest",
            # Looking through all classes of the class path takes a minute.
            "plugin.discovery": "service_load",
        }

    def _connector(self, commit_seconds: int) -> dict[str, str]:
        catalog = java_catalog(self.settings)
        return {
            "name": self.name,
            "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
            "tasks.max": "1",
            "topics": TOPIC,
            "iceberg.tables": self.table,
            "iceberg.control.topic": self._control_topic,
            "iceberg.control.commit.interval-ms": str(commit_seconds * 1000),
            "iceberg.catalog.type": "rest",
            **{f"iceberg.catalog.{name}": value for name, value in catalog.items()},
        }


class ConnectWithPayload(ConnectTyped):
    """The payload beside the columns, by a converter of ours."""

    name = "connect_payload"
    title = "Iceberg Kafka Connect 1.11.0 on Kafka 4.3.1, with the payload"
    table = f"{NAMESPACE}.connect_payload"
    payload = True


def _write(path: Path, properties: dict[str, str]) -> None:
    """Write a properties file that only we can read: it holds credentials."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
