"""``bergline dlq``: what could not be processed, shown, sent again or removed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from shared.cli import letter_text as text
from shared.cli.dlq_purge import purge
from shared.cli.dlq_replay import replay
from shared.cli.letter_choice import Limit, Since, Source, Stage, Topic, Why, choice
from shared.cli.letter_finding import letter_of, waiting_records
from shared.cli.output import Format, Output, emit

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command("list")
def list_letters(
    source: Source = None,
    topic: Topic = None,
    reason: Why = None,
    stage: Stage = None,
    since: Since = None,
    limit: Limit = 50,
    output: Output = Format.TEXT,
) -> None:
    """Show dead letters, newest first, how many there are of each reason, and what was replayed.

    What is on their topic and no row yet is counted beside them.
    """
    from shared.lake.dead_letters.finding import find
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings

    settings = Settings.load()
    lake = LakeReader(settings)
    chosen = choice(source=source, topic=topic, reason=reason, stage=stage, since=since)
    waiting = waiting_records(settings, lake)
    found = find(lake, chosen, limit=limit)
    emit(
        output,
        {
            "letters": [text.letter_json(letter) for letter in found.letters],
            "total": found.total,
            "by_reason": dict(found.by_reason),
            "not_landed": waiting,
            "snapshot_id": found.snapshot_id,
        },
        text.list_text(found, waiting),
    )


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `bergline dlq list` shows it.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the exact bytes to standard output, nothing else.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Show one dead letter with its headers and bytes: text, or hexadecimal digits.

    A topic that was made anew may bring a second one under the same id; then the newest is shown.
    """
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings

    settings = Settings.load()
    letter = letter_of(settings, LakeReader(settings), id_)
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        sys.stdout.buffer.flush()
        return
    emit(output, text.letter_json(letter, value=True), text.show_text(letter))


app.command()(replay)
app.command()(purge)
