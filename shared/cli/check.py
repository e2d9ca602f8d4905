"""``bergline check``: are sources, rules and receivers what they say, the project's among them?"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, table

app = typer.Typer(add_completion=False)


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="One source; all of them by default.")] = None,
    output: Output = Format.TEXT,
) -> None:
    """Check the sources: declarations, then their examples, from signature to row; and alerting.

    A declaration that is wrong is told with file and line. Every example must be signed by its
    secret and by no other, become the deliveries that it says, and land with each value in its
    column. Rules of alerts and alerting.yaml are checked as well, unless a source is named. Needs
    no running platform. Exit code 2 for a declaration, a rule or a receiver, 6 for an example.
    """
    from shared.cli import alerting_check
    from shared.cli.words import cell, stacked
    from shared.runtime.errors import CheckFailed, NotFound
    from shared.sources.registry import SOURCES

    if name is not None and name not in SOURCES:
        raise NotFound(f"there is no source {name!r}", f"sources are: {', '.join(SOURCES)}")
    names = list(SOURCES) if name is None else [name]
    alerting = alerting_check.checked() if name is None else None
    # Each service looks at its own part in a process of its own: the command line imports none.
    examples = _asked("services.ingest.example_check", *names)
    records = [record for example in examples for record in example["records"]]
    landed = iter(_asked("services.stream_writer.example_check", given=records))
    for example in examples:
        for record in example["records"]:
            wrong = next(landed)
            if wrong is not None:
                example["wrong"].append(f"record of {record['topic']}: {wrong}")
    result = [
        {
            "source": each,
            "endpoints": [endpoint.path for endpoint in SOURCES[each].endpoints],
            "topics": [entity.topic for entity in SOURCES[each].entities],
            "tables": [entity.table.name for entity in SOURCES[each].entities],
            "examples": sum(example["source"] == each for example in examples),
            "wrong": [
                f"{example['example']}: {wrong}"
                for example in examples
                if example["source"] == each
                for wrong in example["wrong"]
            ],
        }
        for each in names
    ]
    rows = [
        (
            cell(each["source"]),
            len(each["endpoints"]),
            len(each["topics"]),
            each["examples"],
            cell("; ".join(each["wrong"]) or "all right"),
        )
        for each in result
    ]
    shown = [table(("source", ">endpoints", ">topics", ">examples", "found"), rows)]
    if alerting is not None:
        shown += ["", cell(alerting_check.in_words(alerting))]
    emit(output, {"sources": result, "alerting": alerting}, stacked(*shown))
    wrong_ones = [each["source"] for each in result if each["wrong"]]
    if wrong_ones and output is Format.JSON:
        raise typer.Exit(CheckFailed.exit_code)
    if wrong_ones:
        raise CheckFailed(
            f"examples of {', '.join(wrong_ones)} are not what they say",
            "correct the declaration, or the example",
        )


def _asked(module: str, *arguments: str, given: object = None) -> list[Any]:
    ended = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise typer.Exit(ended.returncode)
    found: list[Any] = json.loads(ended.stdout)
    return found
