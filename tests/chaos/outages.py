"""When which process was hurt, or not well: what may explain that somebody else's work failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.embedded.state import ProcessState


@dataclass(frozen=True, slots=True)
class Outage:
    """From when to when, in ms since the epoch, something was wrong with a process."""

    name: str
    began_ms: int
    ended_ms: int


def _now_ms() -> int:
    return int(time.time() * 1000)


class Outages:
    """One outage of a process lasts from a fault, or from when it was seen unwell, until it is
    seen well again, is held by nothing and is another process than the one that was killed."""

    def __init__(self, now_ms: Callable[[], int] = _now_ms) -> None:
        self._now_ms = now_ms
        self._open: dict[str, int] = {}
        self._held: set[str] = set()
        self._killed: dict[str, int] = {}
        self._over: list[Outage] = []

    def killed(self, name: str, pid: int) -> None:
        """This process ends now."""
        self._killed[name] = pid
        self._open.setdefault(name, self._now_ms())

    def hold(self, name: str) -> None:
        """Something is wrong with it until :meth:`release`."""
        self._held.add(name)
        self._open.setdefault(name, self._now_ms())

    def release(self, name: str) -> None:
        """It may go on; over it is once it is seen well."""
        self._held.discard(name)

    def saw(self, process: ProcessState) -> None:
        """The supervisor says this of a process."""
        name = process.name
        dead = self._killed.get(name) == process.pid
        if not process.is_well or dead or name in self._held:
            self._open.setdefault(name, self._now_ms())
        elif (began := self._open.pop(name, None)) is not None:
            self._killed.pop(name, None)
            self._over.append(Outage(name, began, self._now_ms()))

    def all(self) -> list[Outage]:
        """Those that are over, then those that are not."""
        now = self._now_ms()
        return [*self._over, *(Outage(name, began, now) for name, began in self._open.items())]
