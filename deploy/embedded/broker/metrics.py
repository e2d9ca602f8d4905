"""What the broker counts, under the names of Redpanda's public metrics where it has them.

https://docs.redpanda.com/current/reference/public-metrics-reference/. Gauges of topics and groups
are read from the broker when they are scraped, so nothing is kept twice and no series outlives
its topic.
"""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from .broker import Broker

_NAMESPACE = "kafka"
_TOPIC = ("redpanda_namespace", "redpanda_topic")
_PARTITION = (*_TOPIC, "redpanda_partition")


class Metrics(Collector):
    """The registry of one broker."""

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.latency = Histogram(
            "redpanda_kafka_request_latency_seconds",
            "Time from the last byte of a request to its answer",
            ["redpanda_request"],
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        )
        self.closed = Counter(
            "kafka_broker_connections_closed",
            "Connections that the broker closed, by reason",
            ["reason"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        """The exposition text."""
        return generate_latest(self.registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing: the families are known only when collected."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The gauges of topics, groups and the process."""
        yield from self._topics()
        yield from self._groups()
        yield from self._node()

    def _topics(self) -> Iterator[Metric]:
        newest = _gauge("redpanda_kafka_max_offset", "High watermark of the partition", _PARTITION)
        count = _gauge("redpanda_kafka_partitions", "Configured number of partitions", _TOPIC)
        size = _gauge("kafka_broker_log_size_bytes", "Durable bytes of the partition", _PARTITION)
        moved = CounterMetricFamily(
            "redpanda_kafka_request_bytes",
            "Bytes produced and consumed per topic",
            labels=(*_TOPIC, "redpanda_request"),
        )
        for topic in self._broker.topics:
            count.add_metric((_NAMESPACE, topic.name), len(topic.partitions))
            for number, log in enumerate(topic.partitions):
                labels = (_NAMESPACE, topic.name, str(number))
                newest.add_metric(labels, log.high_watermark)
                size.add_metric(labels, log.size)
            produced = sum(log.produced_bytes for log in topic.partitions)
            fetched = sum(log.fetched_bytes for log in topic.partitions)
            moved.add_metric((_NAMESPACE, topic.name, "produce"), produced)
            moved.add_metric((_NAMESPACE, topic.name, "consume"), fetched)
        yield from (newest, count, size, moved)

    def _groups(self) -> Iterator[Metric]:
        committed = _gauge(
            "redpanda_kafka_consumer_group_committed_offset",
            "Committed offset of the group",
            ("redpanda_group", "redpanda_topic", "redpanda_partition"),
        )
        consumers = _gauge(
            "redpanda_kafka_consumer_group_consumers", "Members of the group", ("redpanda_group",)
        )
        for name, (topic, partition), each in self._broker.offsets:
            committed.add_metric((name, topic, str(partition)), each.offset)
        for group in self._broker.coordinator.groups():
            consumers.add_metric((group.name,), len(group.members))
        yield from (committed, consumers)

    def _node(self) -> Iterator[Metric]:
        broker = self._broker
        disk = shutil.disk_usage(broker.settings.data_dir)
        gauges = {
            "redpanda_cluster_brokers": ("Configured brokers", 1),
            "redpanda_cluster_topics": ("Topics", len(broker.topics)),
            "redpanda_cluster_partitions": ("Partitions", broker.topics.partition_count()),
            "redpanda_storage_disk_total_bytes": ("Size of the disk", disk.total),
            "redpanda_storage_disk_free_bytes": ("Free bytes of the disk", disk.free),
            "kafka_broker_queued_bytes": ("Requests in memory", broker.request_budget.used),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(name, text, value=value)
        connections = _gauge(
            "redpanda_rpc_active_connections", "Open connections", ("redpanda_server",)
        )
        connections.add_metric((_NAMESPACE,), broker.connection_count)
        yield connections
        yield CounterMetricFamily(
            "kafka_broker_storage_failures",
            "Group commits that failed; their records were not acknowledged",
            value=broker.flusher.failures,
        )


def _gauge(name: str, text: str, labels: tuple[str, ...]) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)
