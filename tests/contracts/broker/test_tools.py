"""Programs that people have at hand: Kafka's own command line tools, and kcat."""

import json
import re
import shutil
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.broker.conftest import NewTopicFixture
from tests.contracts.broker.kafka import committed
from tests.support.apache_kafka.jars import Absent, jars, java
from tests.support.broker import BrokerProcess
from tests.support.kafka_tools import run_tool
from tests.support.kafka_wire import RawConnection

Tool = Callable[..., str]
pytestmark = pytest.mark.timeout(400)  # each tool is a Java of its own

TOPICS = "org.apache.kafka.tools.TopicCommand"
PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
CONFIGS = "kafka.admin.ConfigCommand"
OFFSETS = "org.apache.kafka.tools.GetOffsetShell"
DELETE = "org.apache.kafka.tools.DeleteRecordsCommand"
PRODUCER_PERF = "org.apache.kafka.tools.ProducerPerformance"
CONSUMER_PERF = "org.apache.kafka.tools.ConsumerPerformance"

LINES = [f"key-{number}:value-{number}" for number in range(100)]


@pytest.fixture
def kafka(shared_broker: BrokerProcess) -> Tool:
    """Runs one of Kafka's tools against the broker."""
    try:
        java(), jars(fetch=False)
    except Absent as reason:
        pytest.skip(f"{reason}; `make broker-conformance` fetches what it can")

    def run(name: str, *arguments: str, stdin: str = "") -> str:
        return run_tool(
            name, "--bootstrap-server", shared_broker.bootstrap, *arguments, stdin=stdin
        )

    return run


@pytest.fixture
def kcat(shared_broker: BrokerProcess) -> Tool:
    """Runs kcat against the broker."""
    program = shutil.which("kcat")
    if program is None:
        pytest.skip("kcat is not installed (Debian package kcat)")

    def run(*arguments: str, stdin: str = "") -> str:
        return subprocess.run(
            [program, "-b", shared_broker.bootstrap, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        ).stdout

    return run


def test_kafka_topics(kafka: Tool) -> None:
    topic = f"t-{uuid.uuid4().hex[:8]}"
    made = kafka(
        TOPICS, "--create", "--topic", topic, "--partitions", "2",
        "--config", "retention.ms=60000",
    )  # fmt: skip
    assert f"Created topic {topic}." in made
    assert topic in kafka(TOPICS, "--list").splitlines()
    kafka(TOPICS, "--alter", "--topic", topic, "--partitions", "3")
    told = kafka(TOPICS, "--describe", "--topic", topic)
    assert "PartitionCount: 3" in told
    assert "retention.ms=60000" in told
    kafka(TOPICS, "--delete", "--topic", topic)
    assert topic not in kafka(TOPICS, "--list").splitlines()


def test_kafka_console_producer_consumer_and_consumer_groups(
    kafka: Tool, new_topic: NewTopicFixture
) -> None:
    topic, group = new_topic(2), f"g-{uuid.uuid4().hex[:8]}"
    keys = ("--reader-property", "parse.key=true", "--reader-property", "key.separator=:")
    kafka(PRODUCER, "--topic", topic, *keys, stdin="\n".join(LINES))
    read = kafka(
        CONSUMER, "--topic", topic, "--group", group, "--from-beginning",
        "--max-messages", "100", "--timeout-ms", "20000",
        "--formatter-property", "print.key=true", "--formatter-property", "key.separator=:",
    )  # fmt: skip
    assert sorted(read.splitlines()) == sorted(LINES)
    told = kafka(GROUPS, "--describe", "--group", group)
    lags = [line.split()[5] for line in told.splitlines() if line.startswith(group)]
    assert lags == ["0", "0"]
    kafka(
        GROUPS, "--group", group, "--topic", topic,
        "--reset-offsets", "--to-earliest", "--execute",
    )  # fmt: skip
    told = kafka(GROUPS, "--describe", "--group", group)
    positions = [line.split()[3] for line in told.splitlines() if line.startswith(group)]
    assert positions == ["0", "0"]
    kafka(GROUPS, "--delete", "--group", group)
    assert group not in kafka(GROUPS, "--list").splitlines()


def test_kafka_configs(kafka: Tool, new_topic: NewTopicFixture) -> None:
    topic = new_topic()
    about = ("--entity-type", "topics", "--entity-name", topic)
    kafka(CONFIGS, *about, "--alter", "--add-config", "retention.ms=60000")
    assert "retention.ms=60000" in kafka(CONFIGS, *about, "--describe")
    kafka(CONFIGS, *about, "--alter", "--delete-config", "retention.ms")
    assert "retention.ms" not in kafka(CONFIGS, *about, "--describe")


def test_kafka_get_offsets_and_delete_records(
    kafka: Tool, new_topic: NewTopicFixture, tmp_path: Path
) -> None:
    topic = new_topic()
    kafka(PRODUCER, "--topic", topic, stdin="\n".join(LINES))
    assert kafka(OFFSETS, "--topic", topic).strip() == f"{topic}:0:100"
    wanted = {"partitions": [{"topic": topic, "partition": 0, "offset": 40}], "version": 1}
    (tmp_path / "offsets.json").write_text(json.dumps(wanted))
    kafka(DELETE, "--offset-json-file", str(tmp_path / "offsets.json"))
    earliest = kafka(OFFSETS, "--topic", topic, "--time", "earliest")
    assert earliest.strip() == f"{topic}:0:40"


def test_kafka_producer_and_consumer_perf_test(
    kafka: Tool, shared_broker: BrokerProcess, new_topic: NewTopicFixture
) -> None:
    topic = new_topic(2)
    sent = run_tool(
        PRODUCER_PERF, "--topic", topic, "--num-records", "5000", "--record-size", "200",
        "--throughput", "-1", "--producer-props", f"bootstrap.servers={shared_broker.bootstrap}",
        "acks=all",
    )  # fmt: skip
    assert "5000 records sent" in sent
    read = kafka(CONSUMER_PERF, "--topic", topic, "--messages", "5000")
    assert re.search(r", 5000, ", read)


def test_kcat_produces_consumes_and_lists(kcat: Tool, new_topic: NewTopicFixture) -> None:
    topic = new_topic(2)
    kcat("-P", "-t", topic, "-K:", "-H", "origin=kcat", stdin="\n".join(LINES))
    read = kcat("-C", "-t", topic, "-e", "-q", "-f", "%k:%s %h\\n")
    assert sorted(read.splitlines()) == sorted(f"{line} origin=kcat" for line in LINES)
    listed = json.loads(kcat("-L", "-J", "-t", topic))
    (found,) = listed["topics"]
    assert (found["topic"], len(found["partitions"])) == (topic, 2)
    latest = kcat("-Q", "-t", f"{topic}:0:-1", "-t", f"{topic}:1:-1")
    assert sum(int(line.rpartition(" ")[2]) for line in latest.splitlines()) == 100


def test_kcat_consumes_as_a_group(
    kcat: Tool, shared_broker: BrokerProcess, new_topic: NewTopicFixture
) -> None:
    topic, group = new_topic(), f"g-{uuid.uuid4().hex[:8]}"
    kcat("-P", "-t", topic, stdin="\n".join(LINES))
    read = kcat("-G", group, "-c", "100", "-q", "-X", "auto.offset.reset=earliest", topic)
    assert read.splitlines() == LINES
    with RawConnection(shared_broker.bootstrap) as connection:
        assert committed(connection, group, topic) == 100
