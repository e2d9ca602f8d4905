"""How a command ends that went through several tables and could not look at all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from shared.cli.output import Format

if TYPE_CHECKING:
    from shared.runtime.errors import BerglineError


def in_one_line(error: BerglineError) -> str:
    """What happened and what to do, for a cell or a field."""
    return "; ".join(part for part in (error.what, error.next_step) if part)


def end(failed: Mapping[str, BerglineError], asked: int, output: Format) -> None:
    """End the command when tables failed; what was wrong with each has been printed.

    The exit code is that of the errors when they are of one kind, so that "try again" and "there is
    no such table" are told apart, and that of a failed check otherwise.

    Args:
        failed: table → why.
        asked: how many tables there were.
        output: with JSON nothing more is printed, as the result holds the errors.
    """
    from shared.runtime.errors import (
        CheckFailed,
        ConfigurationError,
        NotFound,
        Refused,
        Unavailable,
    )

    if not failed:
        return
    kinds = {
        each.exit_code: each
        for each in (ConfigurationError, Unavailable, NotFound, Refused, CheckFailed)
    }
    codes = {each.exit_code for each in failed.values()}
    kind = kinds.get(codes.pop(), CheckFailed) if len(codes) == 1 else CheckFailed
    if output is Format.JSON:
        raise typer.Exit(kind.exit_code)
    if asked == 1:
        raise next(iter(failed.values()))
    steps = list(dict.fromkeys(each.next_step for each in failed.values() if each.next_step))
    raise kind(
        f"{len(failed)} of {asked} tables could not be looked at: {', '.join(failed)}",
        steps[0] if len(steps) == 1 else "the last column says what to do about each",
    )
