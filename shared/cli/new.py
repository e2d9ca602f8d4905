"""``bergline new``: begin something of your own from a template that works."""

from __future__ import annotations

from typing import Annotated

import typer

from shared.cli.output import Format, Output, emit

app = typer.Typer(add_completion=False)


@app.callback()
def group() -> None:
    """Begin something of your own from a template that works."""


@app.command()
def source(
    name: Annotated[
        str, typer.Argument(help="Lower-case letters, digits, underscores: part of its names.")
    ],
    title: Annotated[
        str | None, typer.Option(help="The sender's name as it writes it; NAME by default.")
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Write a webhook source of your own: a signed endpoint, its topic, its table, its test.

    It goes to sources/NAME of the project (BERGLINE_PROJECT, default ./bergline_project) and works
    as it is. Nothing that exists is changed.
    """
    from shared.runtime.errors import ConfigurationError
    from shared.sources.project import PROJECT_VARIABLE, project_dir
    from shared.sources.registry import SOURCES
    from shared.sources.templating import write_source

    project = project_dir()
    if project is None:
        raise ConfigurationError(
            f"{PROJECT_VARIABLE} is set and empty: there is no project",
            "unset it, or set it to a directory",
        )
    if name in SOURCES:
        raise ConfigurationError(f"there is a source {name!r} already", "take another name")
    written = write_source(project, name, title or name.replace("_", " ").title())
    variable = f"BERGLINE_INGEST_{name.upper()}_SECRETS"
    emit(
        output,
        {"files": [str(path) for path in written], "secrets": variable},
        "\n".join(
            [
                *(f"wrote {path}" for path in written),
                "next: `bergline check`, then start the platform anew: `bergline down`, "
                "`bergline up --detach`",
                f"its secret is {variable}, generated at that start where you set none",
            ]
        ),
    )
