"""The settings of a topic: Kafka's names, types and defaults, and the few that act here.

The names that tools commonly set are known; those outside LogConfig are kept and reported, and have
no effect on a single node.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import ErrorCode, KafkaError

LONG_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ConfigType:
    """A protocol type id (DescribeConfigs 3), a check, and what is said when it fails."""

    id: int
    accepts: Callable[[str], bool]
    complaint: str


def _integer(bits: int) -> Callable[[str], bool]:
    def accepts(text: str) -> bool:
        try:
            return -(1 << bits - 1) <= int(text) < 1 << bits - 1
        except ValueError:
            return False

    return accepts


def _double(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _one_of(*words: str) -> Callable[[str], bool]:
    return lambda text: text in words


def _policies(text: str) -> bool:
    return bool(text) and all(word.strip() in ("delete", "compact") for word in text.split(","))


BOOLEAN = ConfigType(1, _one_of("true", "false"), "Expected value to be either true or false")
STRING = ConfigType(2, lambda _: True, "")
INT = ConfigType(3, _integer(32), "Not a number of type INT")
LONG = ConfigType(5, _integer(64), "Not a number of type LONG")
DOUBLE = ConfigType(6, _double, "Not a number of type DOUBLE")
POLICY = ConfigType(7, _policies, "String must be one of: compact, delete")
TIMESTAMP_TYPE = ConfigType(
    2, _one_of("CreateTime", "LogAppendTime"), "String must be one of: CreateTime, LogAppendTime"
)

TOPIC_CONFIGS: Mapping[str, tuple[ConfigType, str]] = {
    "cleanup.policy": (POLICY, "delete"),
    "compression.type": (STRING, "producer"),
    "delete.retention.ms": (LONG, "86400000"),
    "file.delete.delay.ms": (LONG, "60000"),
    "flush.messages": (LONG, str(LONG_MAX)),
    "flush.ms": (LONG, str(LONG_MAX)),
    "index.interval.bytes": (INT, "4096"),
    "max.compaction.lag.ms": (LONG, str(LONG_MAX)),
    "max.message.bytes": (INT, "1048588"),
    "message.timestamp.after.max.ms": (LONG, "3600000"),
    "message.timestamp.before.max.ms": (LONG, str(LONG_MAX)),
    "message.timestamp.type": (TIMESTAMP_TYPE, "CreateTime"),
    "min.cleanable.dirty.ratio": (DOUBLE, "0.5"),
    "min.compaction.lag.ms": (LONG, "0"),
    "min.insync.replicas": (INT, "1"),
    "preallocate": (BOOLEAN, "false"),
    "retention.bytes": (LONG, "-1"),
    "retention.ms": (LONG, "604800000"),
    "segment.bytes": (INT, "134217728"),
    "segment.jitter.ms": (LONG, "0"),
    "segment.ms": (LONG, "604800000"),
}


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The settings that this broker acts upon, parsed."""

    compact: bool
    delete: bool
    delete_retention_ms: int
    log_append_time: bool
    max_message_bytes: int
    min_cleanable_dirty_ratio: float
    retention_bytes: int
    retention_ms: int
    segment_bytes: int
    segment_ms: int
    timestamp_after_max_ms: int
    timestamp_before_max_ms: int


def checked(overrides: Mapping[str, str | None]) -> dict[str, str]:
    """The overrides of a topic, if all names and values are valid; raises KafkaError 40."""
    valid: dict[str, str] = {}
    for name, value in overrides.items():
        if name not in TOPIC_CONFIGS:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
        if value is None:
            raise KafkaError(
                ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {name}"
            )
        kind, _ = TOPIC_CONFIGS[name]
        if not kind.accepts(value):
            raise KafkaError(
                ErrorCode.INVALID_CONFIG,
                f"Invalid value {value} for configuration {name}: {kind.complaint}",
            )
        valid[name] = value
    return valid


def log_config(overrides: Mapping[str, str]) -> LogConfig:
    """The effective settings of a topic with these (checked) overrides."""
    values = {name: default for name, (_, default) in TOPIC_CONFIGS.items()} | dict(overrides)
    policies = {word.strip() for word in values["cleanup.policy"].split(",")}
    return LogConfig(
        compact="compact" in policies,
        delete="delete" in policies,
        delete_retention_ms=int(values["delete.retention.ms"]),
        log_append_time=values["message.timestamp.type"] == "LogAppendTime",
        max_message_bytes=int(values["max.message.bytes"]),
        min_cleanable_dirty_ratio=float(values["min.cleanable.dirty.ratio"]),
        retention_bytes=int(values["retention.bytes"]),
        retention_ms=int(values["retention.ms"]),
        segment_bytes=max(int(values["segment.bytes"]), 1024),
        segment_ms=max(int(values["segment.ms"]), 1),
        timestamp_after_max_ms=int(values["message.timestamp.after.max.ms"]),
        timestamp_before_max_ms=int(values["message.timestamp.before.max.ms"]),
    )
