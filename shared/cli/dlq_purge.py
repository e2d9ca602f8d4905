"""``bergline dlq purge``: dead letters removed for good."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli import letter_text as text
from shared.cli.letter_choice import (
    Because,
    Ids,
    Since,
    Source,
    Stage,
    Topic,
    Why,
    choice,
)
from shared.cli.letter_finding import require_all, require_some
from shared.cli.output import Format, Output, confirmed, console, emit, progress
from shared.cli.words import count, stacked

if TYPE_CHECKING:
    from shared.lake.dead_letters.letters import Choice
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings


def purge(
    ids: Ids = None,
    source: Source = None,
    topic: Topic = None,
    reason: Why = None,
    stage: Stage = None,
    since: Since = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="SPAN|TIME", help="Failed before: 30d, or a time.")
    ] = None,
    expired: Annotated[
        bool,
        typer.Option("--expired", help="Older than the table's property bergline.keep-days says."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be removed.")
    ] = False,
    because: Because = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Remove dead letters from their table, in one commit that keeps who and why.

    The bytes leave the table at once, and the store when the snapshots before have expired; they
    stay on the topic for its 7 days, and the row of a bad record keeps its payload.

    Example: bergline dlq purge --topic shopify.orders --reason invalid_json --because "a test"
    """
    from shared.cli.operator import actor
    from shared.contracts.identity import uuid7
    from shared.lake.dead_letters.finding import find, rows_of
    from shared.lake.dead_letters.letters import TABLE
    from shared.lake.dead_letters.purging import purge as remove
    from shared.lake.reader import LakeReader, reachable, table_spec
    from shared.runtime.errors import Refused
    from shared.runtime.settings import Settings

    settings = Settings.load()
    lake = LakeReader(settings)
    until = _until(lake, older_than, expired)
    chosen = choice(
        ids, source=source, topic=topic, reason=reason, stage=stage, since=since, until=until
    )
    require_some(chosen)
    found = find(lake, chosen, limit=max(20, len(chosen.ids)))
    if chosen.ids:
        require_all(settings, lake, chosen, found.letters)
    if found.snapshot_id is None or not found.total or dry_run:
        shown = stacked(text.list_text(found, 0), "nothing was removed")
        letters = [text.letter_json(letter) for letter in found.letters]
        emit(
            output,
            {"dry_run": dry_run, "total": found.total, "purged": 0, "first": letters},
            shown,
        )
        return
    if not because.strip():
        raise Refused("a reason is required", "say why with --because; it is kept")
    if output is Format.TEXT:
        console(stderr=True).print(text.list_text(found, 0))
    if not confirmed(f"remove {found.total} dead letters for good?", yes):
        raise Refused("nothing was removed", "repeat the command with --yes")
    wanted = rows_of(lake, chosen, found.snapshot_id)
    progress("committing", table=TABLE, letters=len(wanted))
    purge_id = uuid7()
    with reachable(settings):
        done = remove(
            lake.handle(TABLE),
            table_spec(TABLE),
            wanted,
            purge_id=purge_id,
            reason=because,
            actor=actor(),
        )
    asyncio.run(_record_purge(settings, purge_id, done.rows, chosen, because))
    snapshot = None if done.outcome is None else done.outcome.snapshot
    emit(
        output,
        {
            "dry_run": False,
            "total": found.total,
            "purged": done.rows,
            "purge_id": purge_id,
            "snapshot_id": None if snapshot is None else snapshot.snapshot_id,
        },
        f"{count(done.rows)} dead letters removed (purge {purge_id}); their bytes leave the store "
        f"once older snapshots expire: `bergline expire {TABLE} --retention-days 0 --wait`",
    )


def _until(lake: LakeReader, older_than: str | None, expired: bool) -> datetime | None:
    from shared.cli.spans import moment_of
    from shared.lake.dead_letters.letters import TABLE
    from shared.runtime.errors import ConfigurationError
    from shared.tables.metadata import KEEP_DAYS
    from shared.tables.registry import TABLES

    now = datetime.now(UTC)
    if older_than is not None and expired:
        raise ConfigurationError("--older-than and --expired say the same", "leave one out")
    if older_than is not None:
        return moment_of(older_than, now, "--older-than")
    if not expired:
        return None
    declared = TABLES[TABLE].properties[KEEP_DAYS]
    said = lake.table(TABLE).metadata.properties.get(KEEP_DAYS, declared)
    try:
        return now - timedelta(days=float(said))
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{TABLE}: {KEEP_DAYS} is {said!r}", "set a number of days"
        ) from None


async def _record_purge(
    settings: Settings, purge_id: str, rows: int, chosen: Choice, reason: str
) -> None:
    from shared.cli.operator import actor
    from shared.contracts.dead_letters import DeadLetterHandled
    from shared.contracts.topics import DEAD_LETTERS_HANDLED
    from shared.runtime import bus
    from shared.runtime.broker_clients import answering

    handled = DeadLetterHandled(
        action="purged",
        handling_id=purge_id,
        letters=rows,
        chosen_by=chosen.told(),
        actor=actor(),
        reason=reason,
        handled_at=datetime.now(UTC),
    )
    producer = bus.producer(settings, "cli")
    with answering(settings):
        try:
            await producer.start()
            await bus.publish(producer, settings, DEAD_LETTERS_HANDLED, handled)
        finally:
            await producer.stop()
