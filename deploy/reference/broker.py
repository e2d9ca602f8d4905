"""The page of what the embedded broker offers, and of its differences from Apache Kafka."""

from __future__ import annotations

from deploy.embedded.broker.apis import APIS
from deploy.embedded.broker.limits import KAFKA_VERSION, LIMITS, Limit
from deploy.reference import markdown

_INTRODUCTION = (
    "The embedded broker is for laptops and tests: one node, durable, and as Apache Kafka "
    f"{KAFKA_VERSION} in everything but what this page lists. Both are asked the same questions by "
    "`make broker-conformance`, which fails for a difference that is not listed and for one that "
    "no longer exists."
)


def page() -> str:
    """``deploy/reference/broker.md``."""
    offered = markdown.table(
        ("API", "key", "versions"),
        [
            (api.name, str(api.key), f"{api.oldest}–{api.newest}")
            for api in sorted(APIS.values(), key=lambda api: api.key)
        ],
    )
    sections = ["## Differences", *map(_difference, LIMITS), f"## Offered\n\n{offered}"]
    return markdown.page("Broker", "deploy/embedded/broker", _INTRODUCTION, sections)


def _difference(limit: Limit) -> str:
    lines = [f"**{limit.subject.capitalize()}.** {limit.reason}"]
    lines += [
        f"- *{scenario}, {question}:* {markdown.code(ours)}; Kafka: {markdown.code(kafka_s)}"
        for (scenario, question), (ours, kafka_s) in limit.answers.items()
    ]
    return "\n\n".join([lines[0], "\n".join(lines[1:])]).strip()
