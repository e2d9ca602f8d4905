"""The async edge of the worker: what operators say, and which rules the group gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError

from services.alerter.states.said import SERVICE, event_of, ours
from shared.alerting.board import Board
from shared.contracts.commands import CommandIssued
from shared.contracts.environment import Environment
from shared.contracts.event import Event
from shared.contracts.topics import ALERT_STATES, COMMANDS
from shared.runtime.errors import BerglineError
from shared.runtime.group_member import GroupMember
from shared.runtime.progress import Partition, Progress
from shared.runtime.signed_commands import require_signed

log = structlog.stdlib.get_logger("bergline.alerter")

CONSUMED = (COMMANDS, ALERT_STATES)
"""``lakehouse.alert-states`` for its partitions only, by which rules are dealt: all of it is
followed elsewhere, by every alerter."""

Keep = Callable[[Event], Awaitable[object]]
"""Make an event durable and see to its being published; never raises."""


class Handlers(GroupMember):
    """Takes commands one after the other, and passes on which partitions are this worker's.

    Args:
        progress: told what was read; a command counts as read once its event is on disk.
        board: what stands.
        keep: takes what operators say.
        environment: naming.
        operator_key: that commands must be signed with.
        dealt: called with the numbers of this worker's partitions whenever the group deals them.
        dealing: called when the group begins to deal anew.
        state_partitions: how many partitions there are.
    """

    def __init__(
        self,
        progress: Progress,
        board: Board,
        keep: Keep,
        environment: Environment,
        operator_key: str | None,
        dealt: Callable[[frozenset[int]], None],
        dealing: Callable[[], None],
        state_partitions: Callable[[], int],
    ) -> None:
        takers = {COMMANDS: self._on_command, ALERT_STATES: self._pass_over}
        super().__init__(environment, progress, log, takers, ALERT_STATES, state_partitions)
        self._board = board
        self._keep = keep
        self._operator_key = operator_key
        self._dealt_to_us = dealt
        self._dealing = dealing
        self._states = environment.topic(ALERT_STATES)
        self._commands: asyncio.Queue[tuple[Partition, int, CommandIssued]] = asyncio.Queue()

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """The group gave these (topic by the broker's name, partition) to this worker."""
        self.joined = True
        self._dealt_to_us(frozenset(no for topic, no in partitions if topic == self._states))

    def revoked(self) -> None:
        """The group rebalances."""
        self.joined = False
        self._progress.forget()
        while not self._commands.empty():  # whoever has them next reads them again
            self._commands.get_nowait()
        self._dealing()

    async def run(self) -> None:
        """Carry commands out, one after the other, until cancelled."""
        while True:
            partition, offset, command = await self._commands.get()
            await self._carry_out(command)
            self._progress.done(partition, offset)

    def _pass_over(self, partition: Partition, offset: int, value: bytes) -> None:
        """Followed elsewhere."""

    def _on_command(self, partition: Partition, offset: int, value: bytes) -> None:
        command = CommandIssued.decode(value)
        if ours(command):
            require_signed(command, self._operator_key)
            self._progress.read(partition, offset, hold=True)
            self._commands.put_nowait((partition, offset, command))

    async def _carry_out(self, command: CommandIssued) -> None:
        what = {"action": command.action, "target": command.target, "actor": command.actor}
        try:
            event = event_of(command, self._board, datetime.now(UTC))
        except BerglineError as error:
            log.warning("not carried out", error=error.what, **what)
        except ValidationError:
            log.warning("not carried out", error="its arguments cannot be read", **what)
        except Exception:
            # The command would come again after a restart, and end that, too.
            log.exception("not carried out", **what)
        else:
            if event is None:
                log.info("command overtaken by later ones", **what)
                return
            await self._keep(event)
            log.info("command carried out", **what)


__all__ = ["CONSUMED", "SERVICE", "Handlers"]
