"""The options that say which dead letters are meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shared.lake.dead_letters.letters import Choice

STAGES = ("receiving", "processing", "sending", "unreadable")


def _source(incomplete: str) -> list[str]:
    from shared.sources.registry import SOURCES

    return [name for name in SOURCES if name.startswith(incomplete)]


def _topic(incomplete: str) -> list[str]:
    from shared.tables.registry import landing_tables

    return [t for spec in landing_tables() for t in spec.topics if t.startswith(incomplete)]


Source = Annotated[
    str | None, typer.Option(help="Of this vendor, for example shopify.", autocompletion=_source)
]
Topic = Annotated[
    str | None,
    typer.Option(help="Of records of this topic, or meant for it.", autocompletion=_topic),
]
Why = Annotated[str | None, typer.Option("--reason", help="For example invalid_json.")]
Stage = Annotated[str | None, typer.Option(help=f"{', '.join(STAGES[:-1])} or {STAGES[-1]}.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="SPAN|TIME", help="Failed since: 90s, 15m, 2h, 7d, or an ISO 8601 time."),
]
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="As `bergline dlq list` shows them.")
]
Because = Annotated[str, typer.Option(help="Why; kept with what is done.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Most dead letters.")]


def choice(
    ids: list[str] | None = None,
    *,
    source: str | None = None,
    topic: str | None = None,
    reason: str | None = None,
    stage: str | None = None,
    since: str | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
) -> Choice:
    """What the options say.

    Raises:
        NotFound: there is no such source, topic or stage.
        ConfigurationError: ``--since`` is no span or time.
    """
    from shared.cli.spans import moment_of
    from shared.lake.dead_letters.letters import Choice
    from shared.runtime.errors import NotFound
    from shared.sources.registry import SOURCES
    from shared.sources.topics import TOPICS

    for option, given, known in (
        ("source", source, SOURCES),
        ("topic", topic, TOPICS),
        ("stage", stage, STAGES),
    ):
        if given is not None and given not in known:
            raise NotFound(
                f"--{option}: there is no {option} {given!r}", f"there are: {', '.join(known)}"
            )
    return Choice(
        ids=tuple(dict.fromkeys(ids or ())),
        source=source,
        topic=topic,
        reason=reason,
        stage=stage,
        since=None if since is None else moment_of(since, now or datetime.now(UTC)),
        until=until,
    )
