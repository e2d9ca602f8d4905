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


@app.command()
def rule(
    name: Annotated[
        str, typer.Argument(help="Letters, digits, underscores, as TooManyFiles: the alert's name.")
    ],
    output: Output = Format.TEXT,
) -> None:
    """Write a rule of your own for alerts, with what can be written said beside it.

    It goes to rules/ of the project (BERGLINE_PROJECT, default ./bergline_project) and is right as
    it is. With the name of a rule that comes with the platform it is a copy of that, and in its
    place from then on. Nothing that exists is changed.
    """
    from shared.alerting.beginning import write_rule
    from shared.cli.alert_rules import rules
    from shared.runtime.errors import ConfigurationError
    from shared.sources.project import PROJECT_VARIABLE, project_dir

    project = project_dir()
    if project is None:
        raise ConfigurationError(
            f"{PROJECT_VARIABLE} is set and empty: there is no project",
            "unset it, or set it to a directory",
        )
    known = rules().get(name)
    if known is not None and not known.place.file.startswith("builtin/"):
        raise ConfigurationError(
            f"there is a rule {name!r} already, in {known.place.file}", "take another name"
        )
    written = write_rule(project, name, known)
    replaced = (
        "; a copy of the built-in rule of its name, in the place of which it is" if known else ""
    )
    emit(
        output,
        {"files": [str(written)], "replaces_built_in": known is not None},
        f"wrote {written}{replaced}\nnext: change it, then `bergline alerts test {written}`; a "
        "running alerter takes it within seconds",
    )
