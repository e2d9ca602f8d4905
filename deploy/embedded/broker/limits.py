"""Every known difference between this broker and Apache Kafka, with its reason.

The page ``deploy/reference/broker.md`` is made of it. The contract suite holds it to be complete
and true: a question that both are asked and answer differently stands here with both answers, and
one that stands here is answered differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KAFKA_VERSION = "4.3.1"
"""The Apache Kafka that it is compared with."""


@dataclass(frozen=True)
class Limit:
    """One difference.

    Attributes:
        subject: what it is about.
        reason: what this broker does instead, and why.
        answers: by scenario and question of the contract suite, this broker's answer and Kafka's.
        tested: the test that shows what no question shows; empty where questions do.
    """

    subject: str
    reason: str
    answers: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    tested: str = ""


_THREE_REPLICAS = (
    "INVALID_REPLICATION_FACTOR: Unable to replicate the partition 3 time(s): The target "
    "replication factor of 3 cannot be reached because only 1 broker(s) are registered"
)

LIMITS: Sequence[Limit] = (
    Limit(
        "transactions",
        "There are none: producers of exactly-once pipelines on topics need a cluster's "
        "transaction coordinator; Bergline's exactly-once lies in the table's snapshots. The "
        "transaction APIs are not offered.",
        {
            ("batches", "a transactional batch"): (
                "INVALID_TXN_STATE at -1",
                "TRANSACTIONAL_ID_AUTHORIZATION_FAILED at -1",
            ),
            ("sequences", "a producer id for transactions"): ("UNSUPPORTED_VERSION", "ok"),
        },
    ),
    Limit(
        "contents of batches",
        "A batch is checked by header and checksum, not record by record: reading every record "
        "would cost most of the processor time. Only topics with cleanup.policy=compact look "
        "for keys. Produce 8 explains the error of a batch and names no records.",
        {
            ("batches", "bytes that are not the gzip they claim"): (
                "ok at 0, log starts at 0",
                "UNKNOWN at -1",
            )
        },
    ),
    Limit(
        "produce without records",
        "A null batch is answered with INVALID_RECORD; Apache Kafka leaves the request without an "
        "answer.",
        tested="test_produce.py::test_a_batch_that_is_null",
    ),
    Limit(
        "fetch sessions",
        "None is opened: every fetch names its partitions, as clients do when they are told "
        "session 0. One node with a few hundred partitions gains nothing from them.",
        {
            ("fetch", "version 7, a new session"): (
                "0-4 5-9 10-14 15-19, log 0 to 20",
                "0-4 5-9 10-14 15-19, log 0 to 20 in a session",
            )
        },
    ),
    Limit(
        "one node",
        "There is one replica and leader epoch 0, and texts of errors do not speak of a cluster.",
        {
            ("creating topics", "3 replicas"): (
                f"{_THREE_REPLICAS}.",
                f"{_THREE_REPLICAS} or some brokers have all their log directories cordoned.",
            )
        },
    ),
    Limit(
        "settings of topics",
        "segment.bytes is 128 MiB by default, so that small disks see retention work. Names that "
        "Apache Kafka knows and that have no meaning on one node are kept and reported, without "
        "effect.",
        {
            ("reading settings", "segment.bytes"): (
                "segment.bytes=134217728 (default)",
                "segment.bytes=1073741824 (default)",
            )
        },
    ),
    Limit(
        "settings of the broker",
        "They come from its command line and cannot be altered while it runs.",
        {
            ("changing settings", "a setting of the broker"): (
                "INVALID_REQUEST: Only settings of topics can be changed.",
                "ok",
            )
        },
    ),
    Limit(
        "operations that do not exist",
        "IncrementalAlterConfigs says so; Apache Kafka fails inside.",
        {
            ("changing settings", "an operation that does not exist"): (
                "INVALID_REQUEST: Unknown operation: 9",
                "UNKNOWN",
            )
        },
    ),
    Limit(
        "forgetting offsets of a group with members",
        "OffsetDelete is refused for every topic, not only for those that members subscribe to: "
        "the broker does not read subscriptions.",
        {("one member", "forget a position meanwhile"): ("GROUP_SUBSCRIBED_TO_TOPIC", "ok")},
    ),
    Limit(
        "members over a restart",
        "A group keeps its offsets, not its members: they are told UNKNOWN_MEMBER_ID and join "
        "again, in generations that begin at 1.",
        tested="test_restart.py::test_a_member_after_a_restart",
    ),
    Limit(
        "topics that do not exist",
        "They are never created by being asked for or written to: that is a step of its own, which "
        "declares partitions and retention.",
        tested="test_frames.py::test_topics_are_not_created_by_asking",
    ),
    Limit(
        "the first rebalance of a group",
        "It does not wait for late members (group.initial.rebalance.delay.ms is 0; 3 s by default "
        "in Apache Kafka, and 0 in the one that is compared).",
        tested="test_clients.py::test_a_group_shares_partitions_and_goes_on_from_its_commits",
    ),
    Limit(
        "versions of the protocol",
        "Only those with fixed fields are offered, which all clients know; a client that asks with "
        "ApiVersions 3 is answered in version 0, as KIP-511 has it. There are no static "
        "members, groups of KIP-848, share groups, ACLs, quotas, log directories.",
        tested="test_frames.py::test_api_versions_beyond_the_newest_is_answered_in_version_0",
    ),
)
