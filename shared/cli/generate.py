"""``bergline generate``: what vendors send, made from a seed, as files or as signed posts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, table
from shared.cli.progress_bar import progress_bar
from shared.cli.senders import Vendor, name_of, rates_of, senders, topics_of

app = typer.Typer(add_completion=False, no_args_is_help=True)


class FileForm(StrEnum):
    """How files are written."""

    JSONL = "jsonl"
    JSON = "json"


Seed = Annotated[int, typer.Option(help="The same seed and run give the same bytes.")]
RunNumber = Annotated[
    int | None,
    typer.Option(
        "--run", min=0, max=8_999, help="Id space: two runs share no id. Else it follows the seed."
    ),
]
Vendors = Annotated[
    list[Vendor] | None, typer.Option("--source", help="Who sends; may be given several times.")
]
Count = Annotated[int, typer.Option(min=1, help="Number of deliveries.")]
Share = Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of all deliveries.")]
Shared = Annotated[
    float,
    typer.Option(
        min=0.0, max=1.0, help="Share of new customers whom another vendor knows, spelt otherwise."
    ),
]
Now = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"],
        help="When the vendors live, in UTC: objects are made before it and change after it. "
        "Else 2026-06-01T12:00:00Z.",
    ),
]


@app.command()
def files(
    directory: Annotated[Path, typer.Argument(help="New or empty.")],
    count: Count = 1_000,
    source: Vendors = None,
    form: Annotated[FileForm, typer.Option("--format", help="A delivery a line, or arrays.")] = (
        FileForm.JSONL
    ),
    visitors: Annotated[int, typer.Option(min=1, help="GA4: visitors of the export.")] = 200,
    seed: Seed = 42,
    run: RunNumber = None,
    updated: Share = 0.2,
    deleted: Share = 0.02,
    redelivered: Share = 0.043,
    out_of_order: Share = 0.013,
    malformed: Share = 0.02,
    shared: Shared = 0.3,
    now: Now = None,
    output: Output = Format.TEXT,
) -> None:
    """Write what vendors would post: a file for each topic, GA4's events as Parquet.

    Each record holds path, headers and body, so that it can be signed and posted as it is.
    manifest.json tells records and SHA-256 of every file. Memory does not grow with the count.
    """
    from deploy.generator import files as to_files
    from deploy.generator.ga4.export import write as write_export
    from deploy.generator.ga4.property import rows
    from deploy.generator.plan import NOW, stream
    from deploy.generator.run import Run

    chosen = source or list(Vendor)
    posting = [vendor for vendor in chosen if vendor is not Vendor.GA4]
    rates = rates_of(updated, deleted, redelivered, out_of_order, malformed, shared)
    moment = now.replace(tzinfo=UTC) if now else NOW
    to_files.claim(directory)
    written: dict[str, Any] = {}
    if posting:
        deliveries = stream(seed, now=moment, run=run, topics=topics_of(posting), rates=rates)
        with progress_bar("written", count) as advance:
            written |= to_files.write(
                directory,
                islice(deliveries, count),
                form.value,
                observe=lambda _: advance(1),
            )
    if Vendor.GA4 in chosen:
        path = directory / "ga4.events.parquet"
        made = rows(Run.of(seed, run), moment, rates, visitors=visitors, known=visitors)
        with progress_bar("exported", None) as advance:
            written[path.name] = {"records": write_export(path, made, advance)}
    facts = {
        "seed": seed,
        "run": Run.of(seed, run).number,
        "now": moment.isoformat(),
        "files": written,
    }
    to_files.write_manifest(directory, facts)
    shown = table(
        ("file", ">records"), [(name, facts["records"]) for name, facts in written.items()]
    )
    emit(output, {"directory": str(directory), **facts}, shown)


@app.command()
def post(
    count: Annotated[
        int | None, typer.Option(min=1, help="Number of deliveries; without --seconds 1,000.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Deliveries a second; else as fast as it goes.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="When to end, whatever the count.")
    ] = None,
    source: Vendors = None,
    url: Annotated[
        str | None, typer.Option(help="Address of ingest; else that of the settings.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=1_000, help="Posts at a time.")] = 32,
    seed: Seed = 42,
    run: RunNumber = None,
    updated: Share = 0.2,
    deleted: Share = 0.02,
    redelivered: Share = 0.043,
    out_of_order: Share = 0.013,
    malformed: Share = 0.02,
    shared: Shared = 0.3,
    now: Now = None,
    output: Output = Format.TEXT,
) -> None:
    """Post to ingest as vendors do, signed with the secrets of the settings.

    Without --source, those that the settings hold a secret of. A vendor waits 5 s for an answer and
    tries again when told to. Fails when nobody answers, or an answer is not the one that must come.
    """
    from deploy.generator.plan import NOW, stream
    from deploy.generator.poster import Outcome, Poster, require_answer
    from deploy.generator.posting import Tally
    from deploy.generator.settings import SenderSettings
    from deploy.generator.signing import Signer
    from shared.runtime.errors import CheckFailed

    settings = SenderSettings.load()
    posting = senders(source, settings.secrets)
    signer = Signer.of(settings, [name_of(vendor) for vendor in posting])
    rates = rates_of(updated, deleted, redelivered, out_of_order, malformed, shared)
    deliveries: Iterator[Any] = stream(
        seed,
        now=now.replace(tzinfo=UTC) if now else NOW,
        run=run,
        topics=topics_of(posting),
        rates=rates,
    )
    count = count or (1_000 if seconds is None else None)
    if count is not None:
        deliveries = islice(deliveries, count)
    expected = count or (round(rate * seconds) if rate and seconds else None)
    tally = Tally()
    asyncio.run(require_answer(url or settings.ingest_url))
    poster = Poster(url or settings.ingest_url, signer, concurrency=concurrency)
    began = time.monotonic()
    with progress_bar("posted", expected) as advance:

        def observe(_: int, outcome: Outcome) -> None:
            tally.add(outcome)
            advance(1)

        asyncio.run(poster.feed(deliveries, rate=rate, seconds=seconds, observe=observe))
    took = time.monotonic() - began
    result = {
        "posted": tally.posted,
        "accepted": tally.accepted,
        "events": tally.events,
        "attempts": tally.attempts,
        "unanswered": tally.unanswered,
        "unexpected": tally.unexpected,
        "seconds": round(took, 1),
        "topics": dict(sorted(tally.topics.items())),
    }
    shown = table(("", ">"), [(name, value) for name, value in result.items() if name != "topics"])
    emit(output, result, shown)
    if tally.unexpected:
        raise CheckFailed(
            f"{tally.unexpected} of {tally.posted} deliveries were not answered as they must be; "
            f"first: {tally.example}",
            "`bergline logs ingest` tells why, unless it was not reached",
        )
