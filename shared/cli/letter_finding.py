"""Dead letters for a command: found, or told where they are instead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.cli.output import progress

if TYPE_CHECKING:
    from shared.lake.dead_letters.letters import Choice, Letter
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings


def waiting_records(settings: Settings, lake: LakeReader) -> int | None:
    """Records of their topic without a row; ``None`` when the broker does not answer.

    Raises:
        NotFound, Unavailable: the catalog does not answer, or lacks the table.
    """
    from shared.lake.dead_letters.letters import TABLE
    from shared.lake.dead_letters.outcomes import not_landed
    from shared.runtime.errors import Unavailable

    lake.table(TABLE)  # an absent catalog is an error, an absent broker is not
    try:
        return asyncio.run(not_landed(settings, lake))
    except Unavailable as error:
        progress("topic not known", reason=error.what)
        return None


def letter_of(settings: Settings, lake: LakeReader, id_: str) -> Letter:
    """The newest dead letter under an id, with its bytes.

    Raises:
        NotFound: there is none.
    """
    from shared.lake.dead_letters.finding import find
    from shared.lake.dead_letters.letters import Choice

    chosen = Choice(ids=(id_,))
    found = find(lake, chosen, limit=1, values=True)
    require_all(settings, lake, chosen, found.letters)
    return found.letters[0]


def require_some(chosen: Choice) -> None:
    """Let pass a choice that says something.

    Raises:
        ConfigurationError: it says nothing.
    """
    from shared.runtime.errors import ConfigurationError

    if chosen.everything:
        raise ConfigurationError(
            "which dead letters? nothing was said", "name ids, or choose with --topic, --since …"
        )


def require_all(
    settings: Settings, lake: LakeReader, chosen: Choice, letters: tuple[Letter, ...]
) -> None:
    """Let pass when there is something, and every id that was named.

    Raises:
        NotFound: there is not; whether some are on their topic yet is told.
    """
    from shared.runtime.errors import NotFound

    missing = [id_ for id_ in chosen.ids if id_ not in {letter.id for letter in letters}]
    if letters and not missing:
        return
    waiting = waiting_records(settings, lake)
    hint = "`bergline dlq list` shows what there is"
    if waiting:
        hint = f"{waiting} records of the topic are no rows yet: try again in a second, or {hint}"
    what = ", ".join(missing[:5]) or " ".join(f"{n}={v}" for n, v in chosen.told().items())
    raise NotFound(f"no dead letter {what}", hint)
