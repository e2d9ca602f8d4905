"""Which rules are evaluated here, and from when on: as the group deals them, or without a group.

A rule that comes from another alerter is evaluated once all that was said of its alerts has been
read: what that one told is not told again. While the group deals anew nothing is evaluated, but
not for long, as the broker may go away meanwhile; then all goes on as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from services.alerter.evaluation.evaluation import Evaluation
from services.alerter.evaluation.recording import Recording
from services.alerter.evaluation.standing import Standing
from services.alerter.group.ownership import NOTHING, Share, last_share
from services.alerter.journal.journal import Journal
from shared.alerting.rule import Rules

log = structlog.stdlib.get_logger("bergline.alerter")

READ_ON_S = 10.0
"""Longest wait for what was said of alerts; a broker silent for longer is as good as none."""


class Dealing:
    """Tells evaluation which rules are its own.

    Args:
        evaluation, recording, journal, standing: of this alerter.
        read_on: returns once all that was said of alerts by now has been read.
        rules: those in force.
        changed: called when other rules are this alerter's.
        patience_s: how long the group may deal before all goes on as it was.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        recording: Recording,
        journal: Journal,
        standing: Standing,
        read_on: Callable[[], Awaitable[None]],
        rules: Callable[[], Rules],
        changed: Callable[[], None],
        patience_s: float,
    ) -> None:
        self._evaluation = evaluation
        self._recording = recording
        self._journal = journal
        self._standing = standing
        self._read_on = read_on
        self._rules = rules
        self._changed = changed
        self._patience_s = patience_s
        self._task: asyncio.Task[None] | None = None
        self.share = NOTHING
        self.known = False
        """Whether it is known which rules are this alerter's."""
        self._settled = False

    @property
    def teller(self) -> Callable[[str], bool] | None:
        """Which groups of alerts are this alerter's to tell, by name; ``None`` while the group
        deals: somebody else may tell them by now. The same while it says the same."""
        return self.share.owns if self._settled else None

    def owns(self, rule: str) -> bool:
        """Whether the alerts of a rule, present or past, are this alerter's to tell of."""
        return self.share.owns(rule)

    def dealt(self, share: Share) -> None:
        """The group has dealt."""
        self._begin(self._take(share, read_on=True))

    def dealing(self) -> None:
        """The group deals anew, or this process has slept and may have lost its rules."""
        self._evaluation.pause()
        self._settled = False
        self._begin(self._go_on(self._patience_s))

    def without_group(self, seconds: float) -> None:
        """There is no group yet: unless it deals within this time, last time's rules are ours."""
        self._begin(self._go_on(seconds))

    async def rules_changed(self) -> None:
        """Other rules are in force: end what they leave behind, evaluate the new ones."""
        async with self._evaluation.between_passes:  # else alerts begin behind our back
            self._evaluation.adopt(self._rules(), self.share.of(self._rules()))
            await self._settle()

    async def stop(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _begin(self, work: Awaitable[None]) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.ensure_future(work)

    async def _go_on(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        share = self.share if self.known else last_share(self._journal.owned)
        log.info("the group does not deal rules, going on without it", rules=len(self._rules()))
        await self._take(share, read_on=False)

    async def _take(self, share: Share, *, read_on: bool) -> None:
        names = share.of(self._rules())
        self._evaluation.own(names & self._evaluation.owned)
        self._evaluation.resume()
        # With partitions come groups that others told, even where no rule is of them.
        grown = share.partitions != self.share.partitions or share.mine - self.share.mine
        if read_on and (grown or names - self._evaluation.owned):
            try:
                async with asyncio.timeout(READ_ON_S):
                    await self._read_on()
            except TimeoutError:
                log.warning("states of alerts are not readable, going on with those known")
            except Exception:
                # Rules that nobody evaluates would be worse than what is told twice.
                log.exception("states of alerts are not read, going on with those known")
        self.share, self.known, self._settled = share, True, True
        async with self._evaluation.between_passes:
            await self._settle()
        self._evaluation.own(share.of(self._rules()))
        await self._journal.own(self._evaluation.owned)
        self._changed()

    async def _settle(self) -> None:
        names = {*self._rules(), *self._standing.rules()}
        await self._recording.end_superseded(self._rules(), self.share.of(names))
