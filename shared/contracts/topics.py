"""What a topic is, and the platform's own topics.

Those of the vendors' payloads follow from the sources that are declared; all of them together are
:data:`shared.sources.topics.TOPICS`, from which creation, consumer subscriptions, the AsyncAPI
document, lag panels and autoscaling objects are derived. A topic is named in one of the two places
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Largest record of any topic: twice the webhook body limit, room for headers and dead letters."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it is created and documented.

    Attributes:
        name: logical name; the broker's name adds the environment's prefix.
        key: what the record key holds, in words.
        values: names of the event types in ``shared.contracts`` that it carries, or ``()`` when
            the value is a vendor's payload, byte for byte.
        description: one sentence for the AsyncAPI document.
        retention: how long records are kept; ``None`` does not let them expire by age.
        cleanup: Kafka's ``cleanup.policy``.
        partitions: partition count at creation.
        written_by, read_by: services, for documents and least-rights ACLs.
    """

    name: str
    key: str
    values: tuple[str, ...]
    description: str
    retention: timedelta | None
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    cleanup: Literal["delete", "compact"] = "delete"
    partitions: int = 3
    config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def configs(self) -> dict[str, str]:
        """Kafka topic configuration to create or check the topic with."""
        retention = -1 if self.retention is None else int(self.retention.total_seconds() * 1000)
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(retention),
            "max.message.bytes": str(MAX_RECORD_BYTES),
            **self.config,
        }


DEAD_LETTERS = "dlq.ingestion-errors"
DEAD_LETTERS_HANDLED = "dlq.handled"
COMMITS = "lakehouse.commits"
TABLES = "lakehouse.tables"
COMMANDS = "lakehouse.commands"
BUILD_REQUESTS = "lakehouse.build-requests"
BUILDS = "lakehouse.builds"
MAINTENANCE_REQUESTS = "lakehouse.maintenance-requests"
MAINTENANCE = "lakehouse.maintenance"
SPOOL = "lakehouse.spool"
PARTITIONS = "lakehouse.partitions"
ALERTS = "lakehouse.alerts"
ALERT_STATES = "lakehouse.alert-states"

_ALL: tuple[Topic, ...] = (
    Topic(
        name=DEAD_LETTERS,
        key="topic/partition/offset, or the delivery id when there is no record",
        values=("DeadLetter",),
        description="What could not be processed, with its bytes and the reason. Holds plaintext.",
        retention=_WEEK,
        written_by=("ingest", "stream_writer"),
        read_by=("stream_writer", "alerter"),
        partitions=1,
    ),
    Topic(
        name=DEAD_LETTERS_HANDLED,
        key="dead letter, or purge",
        values=("DeadLetterHandled",),
        description="What operators did about dead letters: replays and purges, with who and why.",
        retention=_MONTH,
        written_by=("cli",),
        read_by=("stream_writer",),
        partitions=1,
    ),
    Topic(
        name=COMMITS,
        key="table",
        values=("TableCommitted",),
        description="Every snapshot of every table, in order per table, at least once.",
        retention=_MONTH,
        written_by=("stream_writer", "transformer"),
        read_by=("transformer", "alerter", "cli"),
    ),
    Topic(
        name=TABLES,
        key="table",
        values=("TableCommitted",),
        description="The last announced state of each table: start here, then follow the commits.",
        retention=None,
        written_by=("stream_writer", "transformer"),
        read_by=("stream_writer", "transformer", "maintainer", "alerter"),
        cleanup="compact",
        partitions=1,
    ),
    Topic(
        name=COMMANDS,
        key="service",
        values=("CommandIssued",),
        description="Operator commands, signed with the operator key.",
        retention=_WEEK,
        written_by=("cli",),
        read_by=("stream_writer", "transformer", "maintainer", "alerter"),
        partitions=1,
    ),
    Topic(
        name=BUILD_REQUESTS,
        key="target table",
        values=("BuildRequested",),
        description="Derived tables that are to be built; the partition's owner builds them.",
        retention=_DAY,
        written_by=("transformer",),
        read_by=("transformer",),
    ),
    Topic(
        name=BUILDS,
        key="target table",
        values=("BuildStarted", "BuildSucceeded", "BuildFailed"),
        description="What became of every build of every derived table.",
        retention=_MONTH,
        written_by=("transformer",),
        read_by=("alerter", "cli"),
    ),
    Topic(
        name=MAINTENANCE_REQUESTS,
        key="table",
        values=("MaintenanceRequested",),
        description="What operators ask for, by table; the partition's owner maintains the table.",
        retention=_DAY,
        written_by=("maintainer",),
        read_by=("maintainer",),
    ),
    Topic(
        name=MAINTENANCE,
        key="table",
        values=("MaintenanceSucceeded", "MaintenanceFailed"),
        description="What became of every maintenance job of every table.",
        retention=_MONTH,
        written_by=("maintainer",),
        read_by=("maintainer", "alerter", "cli"),
    ),
    Topic(
        name=SPOOL,
        key="ingest instance",
        values=("SpoolChanged",),
        description="When an ingest instance kept records on disk, for how long and how many.",
        retention=_MONTH,
        written_by=("ingest",),
        read_by=("alerter",),
        partitions=1,
    ),
    Topic(
        name=PARTITIONS,
        key="topic/partition",
        values=("PartitionStopped", "PartitionResumed"),
        description="Partitions that are not consumed, with the reason, and those that are again.",
        retention=None,
        written_by=("stream_writer",),
        read_by=("stream_writer", "alerter"),
        cleanup="compact",
        partitions=1,
    ),
    Topic(
        name=ALERTS,
        key="fingerprint of the alert",
        values=("AlertChanged",),
        description="Every change of the state of every alert, in order per alert, at least once.",
        retention=_MONTH,
        written_by=("alerter",),
        read_by=("cli",),
    ),
    Topic(
        name=ALERT_STATES,
        key="fingerprint, or kind and identity of what is said about alerts",
        values=(
            "AlertChanged",
            "AlertNotified",
            "AlertAcknowledged",
            "AlertSilenced",
            "LandingLearned",
        ),
        description="Where every alert stands, who was told, what is silenced and acknowledged, "
        "and what alerters have learned. Rules and groups of alerts are dealt to alerters by its "
        "partitions.",
        retention=None,
        written_by=("alerter",),
        read_by=("alerter", "cli"),
        cleanup="compact",
    ),
)

PLATFORM_TOPICS: Mapping[str, Topic] = MappingProxyType({topic.name: topic for topic in _ALL})
"""The platform's own topics by their logical names."""
