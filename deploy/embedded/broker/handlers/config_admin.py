"""DescribeConfigs, AlterConfigs, IncrementalAlterConfigs."""

from collections.abc import Callable, Mapping
from typing import Any

from ..broker import NODE_ID, Broker
from ..errors import ErrorCode, KafkaError
from ..request import Request, error_fields
from ..schema import Fields
from ..topic_configs import POLICY, STRING, TOPIC_CONFIGS

_TOPIC, _BROKER = 2, 4
_FROM_TOPIC, _FROM_STATIC, _FROM_DEFAULT = 1, 4, 5
_SET, _DELETE, _APPEND, _SUBTRACT = 0, 1, 2, 3
_OF_LISTS = {_APPEND: "APPEND", _SUBTRACT: "SUBTRACT"}
Overrides = Mapping[str, str]
Changed = Mapping[str, str | None]


async def describe_configs(broker: Broker, request: Request) -> Fields:
    """Effective settings of topics and of this broker."""

    def describe(resource: Any) -> Fields:
        answer = {"type": resource.type, "name": resource.name}
        try:
            configs = _described(broker, resource.type, resource.name)
        except KafkaError as error:
            return answer | error_fields(error)
        keys = resource.keys
        return answer | {"configs": [each for each in configs if not keys or each["name"] in keys]}

    return {"resources": [describe(each) for each in request.body.resources]}


async def alter_configs(broker: Broker, request: Request) -> Fields:
    """Replace all overrides of topics."""

    def replacing(resource: Any) -> Callable[[Overrides], Changed]:
        return lambda _: {each.name: each.value for each in resource.configs}

    return await _alter(broker, request, replacing)


async def incremental_alter_configs(broker: Broker, request: Request) -> Fields:
    """Set, reset, extend or shorten single overrides of topics."""

    def changing(resource: Any) -> Callable[[Overrides], Changed]:
        return lambda present: _changed(present, resource.configs)

    return await _alter(broker, request, changing)


async def _alter(
    broker: Broker, request: Request, change: Callable[[Any], Callable[[Overrides], Changed]]
) -> Fields:
    answers: list[Fields] = []
    for each in request.body.resources:
        refused: KafkaError | None = None
        if each.type != _TOPIC:
            text = "Only settings of topics can be changed."
            refused = KafkaError(ErrorCode.INVALID_REQUEST, text)
        else:
            try:
                await broker.topics.configure(
                    each.name, change(each), validate_only=request.body.validate_only
                )
            except KafkaError as error:
                refused = error
        answers.append({"type": each.type, "name": each.name, **error_fields(refused)})
    return {"resources": answers}


def _changed(present: Overrides, operations: list[Any]) -> Changed:
    configs: dict[str, str | None] = dict(present)
    if len({each.name for each in operations}) < len(operations):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys")
    for each in operations:
        if each.name not in TOPIC_CONFIGS:
            text = f"Unknown topic config name: {each.name}"
            raise KafkaError(ErrorCode.INVALID_CONFIG, text)
        kind, default = TOPIC_CONFIGS[each.name]
        if each.operation in _OF_LISTS and kind.id != POLICY.id:
            raise KafkaError(
                ErrorCode.INVALID_CONFIG,
                f"Can't {_OF_LISTS[each.operation]} to key {each.name} "
                "because its type is not LIST.",
            )
        items = (configs.get(each.name) or default).split(",")
        wanted = (each.value or "").split(",")
        if each.operation == _SET:
            configs[each.name] = each.value
        elif each.operation == _DELETE:
            configs.pop(each.name, None)
        elif each.operation == _APPEND:
            configs[each.name] = ",".join(items + [word for word in wanted if word not in items])
        elif each.operation == _SUBTRACT:
            configs[each.name] = ",".join(word for word in items if word not in wanted)
        else:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown operation: {each.operation}")
    return configs


def _described(broker: Broker, kind: int, name: str) -> list[Fields]:
    if kind == _BROKER and name in ("", str(NODE_ID)):
        return [
            {
                "name": key,
                "value": value,
                "source": _FROM_STATIC,
                "type": STRING.id,
                "read_only": True,
            }
            for key, value in _broker_configs(broker).items()
        ]
    if kind != _TOPIC:
        text = f"No such resource: type {kind}, name {name!r}. The broker's id is {NODE_ID}."
        raise KafkaError(ErrorCode.INVALID_REQUEST, text)
    topic = broker.topics.get(name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return [
        {
            "name": key,
            "value": topic.configs.get(key, default),
            "source": _FROM_TOPIC if key in topic.configs else _FROM_DEFAULT,
            "type": config_type.id,
        }
        for key, (config_type, default) in TOPIC_CONFIGS.items()
    ]


def _broker_configs(broker: Broker) -> dict[str, str]:
    settings = broker.settings
    return {
        "auto.create.topics.enable": "false",
        "connections.max.idle.ms": str(int(settings.idle_seconds * 1000)),
        "default.replication.factor": "1",
        "fetch.max.bytes": str(settings.max_fetch_bytes),
        "max.connections": str(settings.max_connections),
        "message.max.bytes": TOPIC_CONFIGS["max.message.bytes"][1],
        "num.partitions": "1",
        "offsets.retention.minutes": str(int(settings.offsets_retention_seconds // 60)),
        "socket.request.max.bytes": str(settings.max_request_bytes),
    }
