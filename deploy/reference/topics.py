"""The page of topics."""

from __future__ import annotations

from deploy.reference import markdown
from shared.contracts.topics import Topic
from shared.sources.topics import TOPICS
from shared.tables.registry import landing_tables

_INTRODUCTION = (
    "Names are logical: `BERGLINE_ENV=dev` puts `dev.` before each. Records are CloudEvents 1.0 in "
    "Kafka's binary content mode, described in `shared/contracts/asyncapi.json`. Events of one key "
    "stay in order and arrive at least once."
)


def page() -> str:
    """``deploy/reference/topics.md``."""
    overview = markdown.table(
        ("topic", "key", "value", "kept", "partitions", "written by", "read by"),
        [_overview(topic) for topic in TOPICS.values()],
    )
    sections = [_section(topic) for topic in TOPICS.values()]
    return markdown.page(
        "Topics",
        "shared/sources and shared/contracts/topics.py",
        _INTRODUCTION,
        [overview, *sections],
    )


def _overview(topic: Topic) -> tuple[str, ...]:
    kept = "for ever" if topic.retention is None else markdown.duration(topic.retention)
    if topic.cleanup == "compact":
        kept = "last of each key"
    return (
        markdown.code(topic.name),
        topic.key,
        ", ".join(f"[{name}](events.md#{name.lower()})" for name in topic.values) or "payload",
        kept,
        str(topic.partitions),
        ", ".join(topic.written_by) or "–",
        ", ".join(topic.read_by) or "any subscriber",
    )


def _section(topic: Topic) -> str:
    lines = [f"## {topic.name}", "", topic.description]
    if lands := [spec.name for spec in landing_tables() if topic.name in spec.topics]:
        lines.append(f"Lands in {markdown.codes(lands)}.")
    configs = [f"{name}={value}" for name, value in topic.configs().items()]
    lines += ["", f"Created with {markdown.codes(configs)}."]
    return "\n".join(lines)
