"""Any sender of Standard Webhooks, without a line about its events.

``events_source("acme", "Acme")`` is the whole declaration of a further one: its own address,
secrets, topic and table.
"""

from __future__ import annotations

from functools import partial

from shared.contracts.column_types import Type
from shared.sources.signing import StandardWebhooks
from shared.sources.spec import Body, Endpoint, Entity, Example, RawTable, SourceSpec, columns
from shared.sources.standard.examples import EXAMPLES
from shared.sources.standard.reading import read


def events_source(
    name: str,
    title: str,
    *,
    prefix: str = "webhook-",
    documentation: tuple[str, ...] = (),
    examples: tuple[Example, ...] = (),
) -> SourceSpec:
    """A source of signed events: ``/webhooks/<name>/events`` into ``raw.<name>_events``.

    Args:
        name: of the source.
        title: its name as its maker writes it.
        prefix: what the three headers begin with; ``svix-`` at senders older than the standard.
        documentation: the maker's pages.
        examples: signed requests; at least one, which the tests send.
    """
    topic = f"{name}.events"
    return SourceSpec(
        name=name,
        title=title,
        signature=StandardWebhooks(prefix),
        endpoints=(
            Endpoint(
                path=f"/webhooks/{name}/events",
                summary=f"Take in an event of {title}.",
                topics=(topic,),
                read=partial(read, topic, prefix),
                bodies=(Body.JSON,),
            ),
        ),
        entities=(
            Entity(
                topic=topic,
                key="id in the event's data, else the event id",
                description=f"Events of {title} as received.",
                table=RawTable(
                    f"raw.{name}_events",
                    f"Every event of {title}: one row per delivery.",
                    columns(
                        (Type.STRING, "type"), (Type.TIMESTAMP, "timestamp"), (Type.JSON, "data")
                    ),
                ),
                other_types=True,
            ),
        ),
        kept_headers=(f"{prefix}id", f"{prefix}timestamp"),
        documentation=documentation,
        examples=examples,
    )


SOURCE = events_source(
    "standard",
    "Standard Webhooks",
    documentation=(
        "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
    ),
    examples=EXAMPLES,
)
