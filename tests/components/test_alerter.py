"""Every rule: its real cause on a real platform makes it fire, the cure makes it resolve.

One platform with two alerters, whose rules' times are shortened. Where a cause would take too long
to build up a rule of the project takes the place of the built-in one, with a smaller threshold and
nothing else.
"""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.embedded import control
from services.alerter.rules.ruleset import rule_files
from shared import contracts
from shared.contracts.entity_quality import QualityIssue, SourceQuality
from shared.contracts.identity import uuid7
from shared.contracts.maintenance import MaintenanceSucceeded
from shared.contracts.topics import MAINTENANCE
from shared.lake.bootstrap import bootstrap_tables
from shared.lake.catalog import open_catalog
from shared.lake.reading.live_files import live_files
from shared.runtime.bus import producer, publish
from tests.support.alerter import QUICK, WITHIN_S, Alerts, Held, Receiver, evaluated, page
from tests.support.maintainer import desk
from tests.support.platform import EmbeddedPlatform
from tests.support.platform_tables import state
from tests.support.transformer import FAST, order, send, start, table
from tests.support.transformer import until as until_late
from tests.support.vendor_signatures import shopify_signature

pytestmark = pytest.mark.timeout(600)

RULES = """
groups:
  - name: sooner
    interval: 30s
    rules:
      - {alert: KafkaConsumerLagHigh, when: {signal: lakehouse_consumer_lag_records, above: 20},
         for: 1m, severity: warning, team: data-engineering, summary: "{group} on {topic}",
         description: "{value}", runbook: alerts#consumer-lag}
      - {alert: TableNeedsCompaction, when: {signal: lakehouse_table_uncompacted_files, above: 8},
         for: 1m, severity: info, team: data-engineering, summary: "{table}",
         description: "{value}", runbook: alerts#compaction}
      - {alert: TooManySnapshots, when: {signal: iceberg_table_snapshot_count, above: 8},
         for: 1m, severity: info, team: data-engineering, summary: "{table}",
         description: "{value}", runbook: alerts#snapshot-expiration}
      - {alert: PipelineStale, when: {signal: lakehouse_table_staleness_seconds, above: 10m},
         for: 1m, severity: warning, team: data-engineering, summary: "{table}",
         description: "{value:duration}", runbook: alerts#stale-pipeline}
      - {alert: ReaderHoldsFloor, when: {signal: lakehouse_reader_floor_age_seconds, above: 10m},
         for: 1m, severity: warning, team: data-engineering, summary: "{table}",
         description: "{value:duration}", runbook: alerts#reader-floor}
"""
"""Smaller thresholds."""

ALMOST_FULL = """
groups:
  - name: room
    interval: 30s
    rules:
      - {{alert: MinIOStorageAlmostFull,
         when: {{signal: lakehouse_storage_free_ratio, below: {least}}},
         for: 1m, severity: warning, team: platform, summary: "{{value:percentage}} are free",
         description: "and that is all", runbook: alerts#storage-full}}
"""

ROUTES = """
receivers:
  - {{name: hook, type: webhook, url: "{url}", per_minute: 6000}}
route: {{receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s}}
"""

QUALITY = (
    Path(contracts.__file__).parent / "examples/lakehouse.maintenance.succeeded.v1/quality.json"
)
CHARGES, ORDERS = "raw.stripe_charges", "raw.shopify_orders"
CONTACTS = "raw.hubspot_contacts"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Path:
    directory = tmp_path_factory.mktemp("project")
    (directory / "rules").mkdir()
    (directory / "rules" / "sooner.yaml").write_text(RULES)
    (directory / "alerting.yaml").write_text(ROUTES.format(url=receiver.url))
    return directory


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[EmbeddedPlatform]:
    embedded = EmbeddedPlatform(
        tmp_path_factory.mktemp("alerter"),
        replicas={"alerter": 2},
        environment={
            **FAST,
            **QUICK,
            "BERGLINE_PROJECT": str(project),
            "BERGLINE_ALERTER_PROBE_EVERY_S": "0.6",  # two ask all the while that this takes
            "BERGLINE_ALERTER_LAG_EVERY_S": "1",
            "BERGLINE_ALERTER_EXPECTED_EVERY": f"{CONTACTS}=3s",
            "BERGLINE_ALERTER_OBJECTIVE_DERIVED_S": "3",
            "BERGLINE_STREAM_WRITER_BAD_MINIMUM": "60",
            "BERGLINE_MAINTAINER_LOOK_S": "2",
            "BERGLINE_MAINTAINER_HOT_S": "0",
            "BERGLINE_MAINTAINER_BACKOFF_S": "0.2",
            "BERGLINE_MAINTAINER_BACKOFF_LONGEST_S": "1",
        },
    )
    try:
        start(embedded)
        yield embedded
    finally:
        embedded.close()


@pytest.fixture(scope="module")
def alerts(platform: EmbeddedPlatform) -> Iterator[Alerts]:
    followed = Alerts(platform.settings)
    followed.start()
    yield followed
    followed.stop()


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true answer of a condition, which is to come soon."""
    return until_late(condition, what, WITHIN_S)


def produce(platform: EmbeddedPlatform, topic: str, values: list[bytes]) -> None:
    """Records of partition 0 as ingest publishes them."""

    async def run() -> None:
        made = AIOKafkaProducer(bootstrap_servers=platform.settings.brokers, acks="all")
        await made.start()
        try:
            for value in values:
                headers = [
                    ("delivery_id", uuid7().encode()),
                    ("ce_id", uuid7().encode()),
                    ("received_at", datetime.now(UTC).isoformat().encode()),
                ]
                await made.send_and_wait(topic, value=value, partition=0, headers=headers)
        finally:
            await made.stop()

    asyncio.run(run())


def objects(first: int, count: int) -> list[bytes]:
    return [json.dumps({"id": number}).encode() for number in range(first, first + count)]


def commits(platform: EmbeddedPlatform, topic: str, name: str, number: int) -> None:
    """So many commits to a table, each of one row."""
    for each in range(number):
        before = state(platform, name).current_snapshot_id
        produce(platform, topic, objects(10_000 + each, 1))
        until(partial(moved, platform, name, before), f"a commit to {name}")


def moved(platform: EmbeddedPlatform, name: str, before: int | None) -> bool:
    return state(platform, name).current_snapshot_id != before


def replace_topic(platform: EmbeddedPlatform, topic: str) -> None:
    """Delete it and make it anew."""

    async def run() -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=platform.settings.brokers)
        await client.start()
        try:
            await client.delete_topics([topic])
            await client.create_topics([NewTopic(topic, 3, 1)])
        finally:
            await client.close()

    asyncio.run(run())


def broken(platform: EmbeddedPlatform, replica: int) -> str | None:
    """What an alerter says of rules that are wrong."""
    found: str | None = page(platform, "/readyz", replica).get("rules_broken")
    return found


def right(platform: EmbeddedPlatform, replica: int) -> bool:
    return broken(platform, replica) is None


def post(platform: EmbeddedPlatform, number: int) -> int:
    """A signed webhook; the status that it was answered."""
    body = json.dumps({"id": number}).encode()
    secret = platform.connection["BERGLINE_INGEST_SHOPIFY_SECRETS"]
    request = urllib.request.Request(
        platform.url() + "/webhooks/shopify/products",
        data=body,
        headers={
            "Content-Type": "application/json",
            "X-Shopify-Topic": "products/update",
            "X-Shopify-Event-Id": str(number),
            **shopify_signature(body, secret),
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_each_rule_has_one_alerter_and_the_sign_of_life_is_told_once(
    platform: EmbeddedPlatform, alerts: Alerts
) -> None:
    def shared() -> bool:
        first, second = evaluated(platform, 0), evaluated(platform, 1)
        return bool(first and second) and not first & second and len(first | second) == 26

    until(shared, "every rule has one alerter")
    alerts.until("AlerterAlive", "firing")
    assert alerts.states("AlerterAlive") == ["firing"]


def test_what_arrives_cannot_be_read(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    produce(platform, "stripe.charges", [*objects(1, 20), *[b"{"] * 15])
    produce(platform, "stripe.charges", [*objects(21, 5), *[b"{"] * 15])
    send(platform, [order(number) | {"id": None} for number in range(15)])
    bad = alerts.until("BadRecordShareHigh", "firing", table=CHARGES)
    assert bad.value is not None
    assert 0.05 < bad.value <= 1
    alerts.until("DeadLettersRising", "firing", topic="stripe.charges")
    alerts.until("QuarantineShareHigh", "firing", table=ORDERS)
    # They follow from the last minutes, so they are over by themselves.
    alerts.until("BadRecordShareHigh", "resolved", table=CHARGES)
    alerts.until("DeadLettersRising", "resolved", topic="stripe.charges")
    alerts.until("QuarantineShareHigh", "resolved", table=ORDERS)


def test_a_partition_is_not_consumed_any_more(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    produce(platform, "shopify.customers", [b"{"] * 70)
    stopped = alerts.until("ConsumptionStopped", "firing", topic="shopify.customers")
    assert stopped.cause is not None, "it follows from an event"
    code, _, shown = desk(platform, "topics", "resume", "shopify.customers")
    assert code == 0, shown
    alerts.until("ConsumptionStopped", "resolved", topic="shopify.customers")


def test_a_log_is_another_one(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    topic = "stripe.refunds"
    produce(platform, topic, objects(1, 5))
    until(lambda: state(platform, "raw.stripe_refunds").current_snapshot(), "they landed")
    replace_topic(platform, topic)
    alerts.until("LogReplacedOrTruncated", "firing", topic=topic)
    for stopped in alerts.of("LogReplacedOrTruncated", topic=topic):
        where = ("--partition", stopped.labels["partition"], "--from", "0")
        adopted = ("offsets", "adopt", "raw.stripe_refunds", *where, "--reason", "made anew")
        code, _, shown = desk(platform, *adopted, "--yes")
        assert code == 0, shown
    alerts.until_over("LogReplacedOrTruncated", topic=topic)


def test_nobody_builds(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    send(platform, [order(number, day=2) for number in range(100, 110)])
    alerts.until_over("PipelineDurationHigh")
    with Held(platform, "transformer"):
        send(platform, [order(number, day=3) for number in range(110, 120)])
        gone = alerts.until("ConsumerGroupGone", "firing", group="transformer")
        assert gone.severity == "critical"
        alerts.until("PipelineDurationHigh", "firing", table=ORDERS)
        alerts.until("StagingDataStale", "firing", table="staging.stg_shopify_orders")
        alerts.until("PipelineStale", "firing", table="core.orders")
        alerts.until("ReaderHoldsFloor", "firing", table=ORDERS)
        alerts.until("FreshnessObjectiveBurn", "firing", table="core.orders")
    alerts.until("ConsumerGroupGone", "resolved", group="transformer")
    for rule in ("PipelineDurationHigh", "StagingDataStale", "PipelineStale", "ReaderHoldsFloor"):
        alerts.until_over(rule, 120)


def test_a_build_fails_again_and_again(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    settings, target = platform.settings, "core.first_orders"
    open_catalog(settings).drop_table(settings.environment.table(target))
    send(platform, [order(200, day=5)])
    failed = alerts.until("PipelineFailure", "firing", target=target)
    assert failed.cause is not None, "it follows from an event"
    repeatedly = alerts.until("BuildFailingRepeatedly", "firing", target=target)
    assert repeatedly.value is not None
    assert repeatedly.value >= 3
    bootstrap_tables(settings)
    alerts.until("PipelineFailure", "resolved", target=target)
    alerts.until("BuildFailingRepeatedly", "resolved", target=target)


def test_nobody_consumes(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    produce(platform, "hubspot.contacts", objects(1, 1))
    until(lambda: state(platform, CONTACTS).current_snapshot(), "it landed")
    with Held(platform, "stream_writer"):
        produce(platform, "hubspot.contacts", objects(2, 60))
        lag = alerts.until("KafkaConsumerLagHigh", "firing", group="stream_writer")
        assert lag.labels["topic"] == "hubspot.contacts"
        assert lag.value is not None
        assert 0 < lag.value <= 60, "it fires as soon as there are more than the bound"
        alerts.until("RawDataIngestionStopped", "firing", table=CONTACTS)
        alerts.until("ConsumerGroupGone", "firing", group="stream_writer")
    alerts.until("KafkaConsumerLagHigh", "resolved", group="stream_writer")
    until(
        lambda: "resolved" in alerts.states("RawDataIngestionStopped", table=CONTACTS),
        "rows have come again",
    )
    alerts.until("ConsumerGroupGone", "resolved", group="stream_writer")


def test_files_and_snapshots_pile_up(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    with Held(platform, "maintainer"):
        commits(platform, "stripe.charges", CHARGES, 10)
        alerts.until("TableNeedsCompaction", "firing", table=CHARGES)
        alerts.until("TooManySnapshots", "firing", table=CHARGES)
    alerts.until("TableNeedsCompaction", "resolved", table=CHARGES)
    found = table(platform, CHARGES)
    named = {each.snapshot_id for each in found.refs().values()}
    old = [each.snapshot_id for each in found.snapshots() if each.snapshot_id not in named]
    found.maintenance.expire_snapshots().by_ids(old).commit()
    produce(platform, "stripe.charges", objects(2000, 1))
    alerts.until("TooManySnapshots", "resolved", table=CHARGES)


def test_maintenance_fails(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    name, topic = "raw.shopify_products", "shopify.products"
    with Held(platform, "maintainer"):
        commits(platform, topic, name, 6)
        broken, head = table(platform, name), state(platform, name).current_snapshot()
        assert head is not None
        lost = next(iter(live_files(broken, head).data))
        kept = broken.io.new_input(lost).open().read()
        broken.io.delete(lost)
    failed = alerts.until("CompactionJobFailed", "firing", table=name)
    assert failed.labels["maintenance_job"] == "compact"
    with broken.io.new_output(lost).create(overwrite=True) as file:
        file.write(kept)
    alerts.until("CompactionJobFailed", "resolved", table=name)


def test_people_are_not_told_apart(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    """There is no entity index yet, so nobody can break one: these are the events in which
    maintainer would tell of it."""

    def checked(coverage: float, duplicates: int) -> None:
        told = MaintenanceSucceeded.decode(QUALITY.read_bytes())
        assert told.quality is not None
        source = SourceQuality(source="shopify_customers", staged=True, coverage_pct=coverage)
        issue = QualityIssue(type="duplicate_mappings", count=duplicates, message="rows")
        quality = told.quality.model_copy(update={"source_stats": (source,), "issues": (issue,)})
        event = told.model_copy(update={"quality": quality, "succeeded_at": datetime.now(UTC)})

        async def run() -> None:
            made = producer(platform.settings, "test")
            await made.start()
            try:
                await publish(made, platform.settings, MAINTENANCE, event)
            finally:
                await made.stop()

        asyncio.run(run())

    checked(80.0, 3)
    low = alerts.until("EntityCoverageLow", "firing", source="shopify_customers")
    assert low.value == 80
    assert alerts.until("DuplicateEntityMappings", "firing").value == 3
    checked(100.0, 0)
    alerts.until("EntityCoverageLow", "resolved")
    alerts.until("DuplicateEntityMappings", "resolved")


def test_rules_of_the_project_are_read_again_and_wrong_ones_change_nothing(
    platform: EmbeddedPlatform, alerts: Alerts, project: Path
) -> None:
    file = project / "rules" / "room.yaml"
    file.write_text(ALMOST_FULL.format(least=1.1))
    full = alerts.until("MinIOStorageAlmostFull", "firing")
    assert full.value is not None
    assert 0 < full.value < 1

    file.write_text(ALMOST_FULL.format(least=1.1).replace("below", "beneath"))
    for replica in (0, 1):
        said = until(partial(broken, platform, replica), "it is said that rules are wrong")
        assert "rules/room.yaml:" in said
    assert all(len(page(platform, "/rules", n)["rules"]) == 26 for n in (0, 1))
    assert alerts.states("MinIOStorageAlmostFull") == ["firing"]

    file.write_text(ALMOST_FULL.format(least="0.000001"))
    alerts.until("MinIOStorageAlmostFull", "resolved")
    for replica in (0, 1):
        until(partial(right, platform, replica), "all is right again")
    file.unlink()


def test_the_storage_is_gone(platform: EmbeddedPlatform, alerts: Alerts) -> None:
    with Held(platform, "storage"):
        alerts.until("IcebergCatalogDown", "firing")
        alerts.until("MinIODown", "firing")
    alerts.until("IcebergCatalogDown", "resolved")
    alerts.until("MinIODown", "resolved")


def test_without_a_broker_it_is_logged_and_told_and_a_restart_goes_on(
    platform: EmbeddedPlatform, alerts: Alerts, receiver: Receiver
) -> None:
    assert post(platform, 1) == 200
    number = 0 if "RedpandaDown" in evaluated(platform, 0) else 1
    name = "alerter" if number == 0 else "alerter-1"
    before = alerts.states("RedpandaDown")
    with Held(platform, "broker"):
        until(lambda: receiver.told("RedpandaDown") == ["firing"], "people are told")
        assert '"alert": "RedpandaDown"' in platform.log(name)
        assert firing(platform, number) >= {"RedpandaDown"}
        assert post(platform, 2) == 200, "webhooks are kept"

        old = platform.kill("alerter", number)
        platform.wait_replaced("alerter", number, old=old)
        until(lambda: page(platform, "/info", number)["evaluated_here"], "it evaluates again")
        assert "RedpandaDown" in firing(platform, number)
        assert receiver.told("RedpandaDown") == ["firing"], "nobody is told twice"
    alerts.until("RedpandaDown", "resolved")
    assert alerts.states("RedpandaDown") == [*before, "firing", "resolved"]
    until(lambda: receiver.told("RedpandaDown") == ["firing", "resolved"], "and of the end")
    alerts.until("SpoolInUse", "resolved")
    assert alerts.states("SpoolInUse") == ["firing", "resolved"]


def test_a_killed_alerter_s_rules_go_to_the_other_one_and_nothing_is_lost(
    platform: EmbeddedPlatform, alerts: Alerts, receiver: Receiver
) -> None:
    def has(replica: int) -> bool:
        return "IcebergCatalogDown" in evaluated(platform, replica)

    until(lambda: has(0) != has(1), "one of them evaluates the rule")
    owner = 0 if has(0) else 1
    before, told = alerts.states("IcebergCatalogDown"), receiver.told("IcebergCatalogDown")
    with Held(platform, "storage"):
        fired = alerts.until("IcebergCatalogDown", "firing")
        until(lambda: len(receiver.told("IcebergCatalogDown")) > len(told), "people are told")
        with Held(platform, "alerter" if owner == 0 else "alerter-1", signal.SIGKILL):
            until(lambda: has(1 - owner), "the other one evaluates the rule")
            control.release(platform.layout, "storage")
            resolved = alerts.until("IcebergCatalogDown", "resolved")
    assert fired.evaluated_by != resolved.evaluated_by
    assert resolved.transition == fired.transition + 1
    assert alerts.states("IcebergCatalogDown") == [*before, "firing", "resolved"]
    until(
        lambda: receiver.told("IcebergCatalogDown")[len(told) :] == ["firing", "resolved"],
        "people are told of each",
    )
    until(lambda: has(0) != has(1), "one of them evaluates the rule")


def test_freshness_burns_no_more(alerts: Alerts) -> None:
    """It looks back for longest, so its end is waited for last."""
    assert "firing" in alerts.states("FreshnessObjectiveBurn", table="core.orders")
    alerts.until_over("FreshnessObjectiveBurn", 120, table="core.orders")


def test_every_rule_has_fired_and_resolved(alerts: Alerts) -> None:
    """None is left out here when one is added."""
    files = rule_files(None, 1.0)
    files.look()
    silent = {name for name in files.value if "firing" not in alerts.states(name)}
    lasting = {name for name in files.value if "resolved" not in alerts.states(name)}
    assert silent == set()
    assert lasting == {"AlerterAlive"}


def firing(platform: EmbeddedPlatform, replica: int) -> set[str]:
    """Rules that an alerter says are firing."""
    found = page(platform, "/alerts", replica)["alerts"]
    return {each["rule"] for each in found if each["state"] == "firing"}
