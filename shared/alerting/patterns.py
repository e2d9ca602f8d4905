"""Regular expressions that operators write, as far as they are sure to be matched quickly.

Python tries one way after the other. Where a repeated part may itself match in several ways, the
ways multiply with every character of a value that does not match in the end: an alerter would do
nothing else for hours.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from shared.contracts.errors import ConfigurationError

LONGEST = 1000
"""Characters of an expression."""

_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_parser: Any = importlib.import_module("re._parser")


def check(expression: str, shown: str) -> None:
    """Let an expression pass that can be read, and is matched quickly whatever the value.

    ``shown``: what errors quote, of which it is a part.

    Raises:
        ConfigurationError: it cannot, or may not be.
    """
    if len(expression) > LONGEST:
        raise ConfigurationError(
            f"a regular expression of {len(expression)} characters",
            f"write one of {LONGEST} at most",
        )
    try:
        re.compile(expression)
        slow = _multiplies(_parser.parse(expression))
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigurationError(
            f"{shown!r}: {error}", "write a regular expression that matches the whole value"
        ) from None
    if slow:
        raise ConfigurationError(
            f"{shown!r} repeats what can match in several ways, which may take for ever",
            "write it without a repeat or an alternative inside of a repeat",
        )


@lru_cache(maxsize=1000)
def compiled(expression: str) -> re.Pattern[str] | None:
    """An expression to match with; ``None`` when it is none: somebody else may have written it."""
    try:
        return re.compile(expression)
    except (re.error, OverflowError, RecursionError):
        return None


def _multiplies(pattern: Any, *, repeated: bool = False) -> bool:
    for op, argument in pattern:
        repeats = str(op) in _REPEATS
        if repeated and (str(op) == "BRANCH" or (repeats and argument[0] != argument[1])):
            return True
        within = repeated or (repeats and argument[1] > 1)
        if any(_multiplies(part, repeated=within) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> Iterator[Any]:
    """The patterns inside of one."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for each in argument:
            yield from _parts(each)
