"""Ask several things regularly, and tell which of them answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from shared.alerting.series import Vector, labels
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")

UP = "lakehouse_probe_up"
SECONDS = "lakehouse_probe_duration_seconds"

Ask = Callable[[], Awaitable[None]]
"""Ask once; raises whatever went wrong. May hang: it is given so long and no longer."""
Changed = Callable[[frozenset[str]], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking last."""

    up: bool
    seconds: float


class Probing:
    """A source of signals (:class:`shared.alerting.series.SignalSource`) that asks.

    Known once everything has been asked. Targets do not wait for each other.

    Args:
        asks: target → how it is asked.
        every_s: pause between two questions.
        timeout_s: no answer within so long is none.
        changed: told when a target goes or comes back.
    """

    names = frozenset({UP, SECONDS})

    def __init__(
        self, asks: Mapping[str, Ask], every_s: float, timeout_s: float, changed: Changed
    ) -> None:
        self._asks = asks
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._changed = changed
        self._last: dict[str, Answer] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin in the background."""
        self._tasks = [
            asyncio.create_task(self._run(target, ask), name=f"probe {target}")
            for target, ask in self._asks.items()
        ]

    async def stop(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def known(self, now: float) -> bool:  # noqa: ARG002 - as sources are asked
        """Whether every target has been asked."""
        return self._last.keys() == self._asks.keys()

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """The last answer of each target."""
        return {
            UP: {labels(target=each): float(a.up) for each, a in self._last.items()},
            SECONDS: {labels(target=each): a.seconds for each, a in self._last.items()},
        }

    async def _run(self, target: str, ask: Ask) -> None:
        outage = Outage(log, f"{target} does not answer as it should", target=target)
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await ask()
            except Exception as error:  # noqa: BLE001 - whatever it is, this is no answer
                outage.failed(error)
                up = False
            else:
                outage.over()
                up = True
            before = self._last.get(target)
            self._last[target] = Answer(up, time.monotonic() - began)
            if before is None or before.up != up:
                with contextlib.suppress(Exception):
                    self._changed(frozenset({UP}))
            await asyncio.sleep(max(0.0, self._every_s - (time.monotonic() - began)))
