"""Announcing the commits of owned targets: one outbox each, fed with states that are loaded anyway.

An outbox looks for commits every few seconds. Here it is shown the state that was seen last, after
a build or in a survey: asking the catalog for every table that often would cost more than building.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from shared.lake.outbox import Outbox
from shared.runtime.blocking import BlockingThread
from shared.runtime.table_states import TableStates

if TYPE_CHECKING:
    from shared.contracts.tables import TableCommitted
    from shared.lake.table_state import TableState


class TableOutboxes:
    """The outboxes of all targets; those of owned ones run.

    Args:
        targets: every derived table.
        states: what has been announced.
        announce: publishes one commit; returns when the broker has it.
        load: the state of a table now. Called in a thread of its own, blocking.
    """

    def __init__(
        self,
        targets: Iterable[str],
        states: TableStates,
        announce: Callable[[TableCommitted], Awaitable[None]],
        load: Callable[[str], TableState],
    ) -> None:
        self._load = load
        self._thread = BlockingThread("announce")
        self._seen: dict[str, TableState] = {}
        self._outboxes = {
            target: Outbox(target, states, announce, self._last(target)) for target in targets
        }

    @property
    def pending(self) -> Mapping[str, int]:
        """Commits not announced yet, by owned target."""
        return {name: box.pending for name, box in self._outboxes.items() if box.owner}

    def own(self, targets: frozenset[str]) -> None:
        """Announce for these targets and no others."""
        for name, outbox in self._outboxes.items():
            if name in targets:
                outbox.own()
            else:
                outbox.disown()
                self._seen.pop(name, None)

    def seen(self, target: str, state: TableState) -> None:
        """The state of a target, just loaded."""
        self._seen[target] = state
        self._outboxes[target].committed(state)

    async def refresh(self, target: str) -> None:
        """Load a target's state and announce what is new.

        Raises:
            BerglineError: the catalog does not answer, or has no such table.
        """
        self.seen(target, await self._thread.run(lambda: self._load(target)))

    async def flush(self) -> None:
        """Wait until every commit that is known of is announced."""
        await asyncio.gather(*(outbox.flush() for outbox in self._outboxes.values()))

    async def stop(self) -> None:
        """End all of them."""
        await asyncio.gather(*(outbox.release() for outbox in self._outboxes.values()))

    def _last(self, target: str) -> Callable[[], Awaitable[TableState]]:
        async def load() -> Any:
            if target not in self._seen:
                await self.refresh(target)
            return self._seen[target]

        return load
