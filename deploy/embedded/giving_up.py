"""When a child that was never ready is given up, and what is said then."""

from __future__ import annotations

import signal
import time
from typing import NoReturn

from deploy.embedded import logs
from deploy.embedded.watched import Watched
from shared.runtime.errors import BerglineError, ConfigurationError, Unavailable

HOPELESS = 5
"""A process that was never ready and has crashed at so many starts will not do better."""
_LOG_LINES = 12


def give_up_if_late(watched: Watched, reason: str) -> None:
    """Give up a child that had its time and was never ready.

    Raises:
        Unavailable: it is given up.
    """
    limit = watched.child.ready_within_seconds
    if watched.first_ready.is_set() or time.monotonic() - watched.first_started < limit:
        return
    _give_up(Unavailable, watched, f"is not ready after {limit:g} s: {reason}")


def give_up_if_hopeless(watched: Watched, code: int | None) -> None:
    """Give up a child that ended before it was ever ready, if no other start will do better.

    Raises:
        ConfigurationError: it says that a setting is wrong.
        Unavailable: it is given up.
    """
    if code == ConfigurationError.exit_code:
        _give_up(ConfigurationError, watched, "refuses to start")
    if code != Unavailable.exit_code and watched.failures + 1 >= HOPELESS:
        _give_up(Unavailable, watched, f"{ended(code)} at each of {HOPELESS} starts")
    give_up_if_late(watched, ended(code))


def _give_up(kind: type[BerglineError], watched: Watched, what: str) -> NoReturn:
    child = watched.child
    lines = logs.tail(child.log, _LOG_LINES)
    quoted = "".join(f"\n  | {line}" for line in lines) or "\n  | (nothing was logged)"
    raise kind(
        f"{child.name} {what}\nlast lines of {child.log}:{quoted}",
        f"`bergline logs {child.name}` shows more; everything was stopped again",
    )


def ended(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
