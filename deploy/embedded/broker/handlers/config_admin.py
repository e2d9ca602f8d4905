"""DescribeConfigs 1–3, AlterConfigs 0–1, IncrementalAlterConfigs 0."""

from collections.abc import Mapping
from typing import NamedTuple

from ..broker import NODE_ID, Broker
from ..errors import ErrorCode, KafkaError
from ..request import Request
from ..topic_configs import STRING, TOPIC_CONFIGS, ConfigType, checked
from ..wire import Writer

_TOPIC, _BROKER = 2, 4
_FROM_TOPIC, _FROM_STATIC, _FROM_DEFAULT = 1, 4, 5
_SET, _DELETE, _APPEND, _SUBTRACT = 0, 1, 2, 3


class _Entry(NamedTuple):
    name: str
    value: str
    source: int
    kind: ConfigType
    read_only: bool = False


async def describe_configs(broker: Broker, request: Request) -> Writer:
    """Effective settings of topics and of this broker."""
    body, version = request.body, request.version
    resources = body.array(lambda: (body.int8(), body.string(), body.nullable_array(body.string)))
    body.boolean()  # synonyms: never more than the value itself
    writer = Writer()
    writer.throttle_time(True)

    def describe(resource: tuple[int, str, list[str] | None]) -> None:
        kind, name, keys = resource
        entries: list[_Entry] = []
        error, message = ErrorCode.NONE, ""
        try:
            entries = _entries(broker, kind, name)
        except KafkaError as refused:
            error, message = refused.code, refused.message or ""
        writer.int16(error)
        writer.string(message)
        writer.int8(kind)
        writer.string(name)
        shown = [entry for entry in entries if keys is None or entry.name in keys]
        writer.array(shown, lambda entry: _write_entry(writer, entry, version))

    writer.array(resources, describe)
    return writer


async def alter_configs(broker: Broker, request: Request) -> Writer:
    """Replace all overrides of topics."""
    body = request.body
    resources = body.array(
        lambda: (
            body.int8(),
            body.string(),
            body.array(lambda: (body.string(), body.nullable_string())),
        )
    )
    validate_only = body.boolean()
    answers = [
        (kind, name, await _replace(broker, kind, name, dict(configs), validate_only))
        for kind, name, configs in resources
    ]
    return _answer(answers)


async def incremental_alter_configs(broker: Broker, request: Request) -> Writer:
    """Set, reset, extend or shorten single overrides of topics."""
    body = request.body
    resources = body.array(
        lambda: (
            body.int8(),
            body.string(),
            body.array(lambda: (body.string(), body.int8(), body.nullable_string())),
        )
    )
    validate_only = body.boolean()
    answers: list[tuple[int, str, KafkaError | None]] = []
    for kind, name, operations in resources:
        topic = broker.topics.get(name)
        try:
            changed = _changed(topic.configs if topic else {}, operations)
        except KafkaError as error:
            answers.append((kind, name, error))
            continue
        answers.append((kind, name, await _replace(broker, kind, name, changed, validate_only)))
    return _answer(answers)


def _changed(
    present: Mapping[str, str], operations: list[tuple[str, int, str | None]]
) -> dict[str, str | None]:
    configs: dict[str, str | None] = dict(present)
    for key, operation, value in operations:
        if key not in TOPIC_CONFIGS:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {key}")
        items = (configs.get(key) or TOPIC_CONFIGS[key][1]).split(",")
        wanted = (value or "").split(",")
        if operation == _SET:
            configs[key] = value
        elif operation == _DELETE:
            configs.pop(key, None)
        elif operation == _APPEND:
            configs[key] = ",".join(items + [each for each in wanted if each not in items])
        elif operation == _SUBTRACT:
            configs[key] = ",".join(each for each in items if each not in wanted)
        else:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    return configs


async def _replace(
    broker: Broker, kind: int, name: str, configs: Mapping[str, str | None], validate_only: bool
) -> KafkaError | None:
    if kind != _TOPIC:
        return KafkaError(ErrorCode.INVALID_REQUEST, "Only settings of topics can be changed.")
    try:
        if validate_only and broker.topics.get(name) is not None:
            checked(configs)
        else:
            await broker.topics.configure(name, configs)
    except KafkaError as error:
        return error
    return None


def _entries(broker: Broker, kind: int, name: str) -> list[_Entry]:
    if kind == _BROKER:
        if name not in ("", str(NODE_ID)):
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"Unexpected broker id, expected {NODE_ID} or empty string, but received {name}",
            )
        return [
            _Entry(key, value, _FROM_STATIC, STRING, read_only=True)
            for key, value in _broker_configs(broker).items()
        ]
    if kind != _TOPIC:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown type of resource: {kind}")
    topic = broker.topics.get(name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return [
        _Entry(
            key,
            topic.configs.get(key, default),
            _FROM_TOPIC if key in topic.configs else _FROM_DEFAULT,
            config_type,
        )
        for key, (config_type, default) in TOPIC_CONFIGS.items()
    ]


def _broker_configs(broker: Broker) -> dict[str, str]:
    settings = broker.settings
    return {
        "auto.create.topics.enable": "false",
        "connections.max.idle.ms": str(int(settings.idle_seconds * 1000)),
        "default.replication.factor": "1",
        "fetch.max.bytes": str(settings.max_fetch_bytes),
        "log.retention.hours": "168",
        "max.connections": str(settings.max_connections),
        "message.max.bytes": TOPIC_CONFIGS["max.message.bytes"][1],
        "num.partitions": "1",
        "offsets.retention.minutes": str(int(settings.offsets_retention_seconds // 60)),
        "socket.request.max.bytes": str(settings.max_request_bytes),
    }


def _write_entry(writer: Writer, entry: _Entry, version: int) -> None:
    writer.string(entry.name)
    writer.string(entry.value)
    writer.boolean(entry.read_only)
    writer.int8(entry.source)
    writer.boolean(False)  # sensitive
    writer.array((), writer.int32)  # synonyms
    if version >= 3:
        writer.int8(entry.kind.id)
        writer.string(None)  # documentation


def _answer(answers: list[tuple[int, str, KafkaError | None]]) -> Writer:
    writer = Writer()
    writer.throttle_time(True)

    def resource(answer: tuple[int, str, KafkaError | None]) -> None:
        kind, name, error = answer
        writer.int16(error.code if error else ErrorCode.NONE)
        writer.string(error.message if error else None)
        writer.int8(kind)
        writer.string(name)

    writer.array(answers, resource)
    return writer
