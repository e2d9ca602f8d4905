"""All receivers as they are configured at the moment, and the one path by which they are told."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

import structlog

from services.alerter.delivery.alertmanager import AlertmanagerPush
from services.alerter.delivery.outcomes import Outcomes, forget_queue
from services.alerter.delivery.receivers import check_path, notifier_of
from services.alerter.delivery.sender import Sender
from services.alerter.delivery.settings import DeliverySettings
from services.alerter.delivery.told import Notified
from shared.alerting.board import Board
from shared.alerting.notifying.gathering import Ours
from shared.alerting.notifying.notification import Notification
from shared.alerting.notifying.planner import Planner
from shared.alerting.notifying.receiver import Receiver
from shared.alerting.notifying.routing import Routing
from shared.runtime.metrics import Instruments

log = structlog.stdlib.get_logger("bergline.alerter")


SLICE_S = 0.005
"""So often everything else has its turn while thousands of alerts are planned."""
MOST_SLICES = 400
"""A board that changes faster than it is planned is planned at once in the end."""


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the board.

    Attributes:
        next_at: when to look again even if nothing happens until then, seconds since the epoch;
            ``None``: never.
        took_s: what it cost.
    """

    next_at: float | None
    took_s: float


class Delivery:
    """Tells people what stands on the board. Needs no broker.

    Call :meth:`configure` at start and whenever routes changed, and :meth:`tell` whenever the board
    changed and when it said to look again. Neither waits for receivers, each of which has a loop.

    Args:
        settings: by which path, and how.
        instruments: metrics of the alerter.
        notified: records what receivers are told; the board must have it when it returns.
        clock: seconds, of how long a look takes.
        now: seconds since the epoch.
    """

    def __init__(
        self,
        settings: DeliverySettings,
        instruments: Instruments,
        notified: Notified,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._instruments = instruments
        self._notified = notified
        self._clock = clock
        self._now = now
        self._planner = Planner(Routing({}, None, ()))
        self._senders: dict[str, Sender] = {}
        self._pushes: dict[str, AlertmanagerPush] = {}
        self._made_of: dict[str, Receiver] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def configure(self, routing: Routing) -> None:
        """From now on these receivers and routes; receivers that are the same go on.

        Raises:
            ConfigurationError: receivers do not fit the path, or one can never work; all stays as
                it was.
        """
        check_path(routing.receivers.values(), self._settings)
        wanted = {} if self._settings.alerter_delivery == "none" else dict(routing.receivers)
        new = {name: each for name, each in wanted.items() if self._made_of.get(name) != each}
        senders = {
            name: self._sender(each) for name, each in new.items() if each.type != "alertmanager"
        }
        pushes = {
            name: self._push(each) for name, each in new.items() if each.type == "alertmanager"
        }
        for name in self._made_of.keys() - (wanted.keys() - new.keys()):
            self._end(name)
        for sender in senders.values():
            sender.start()
        for push in pushes.values():
            push.start()
        self._senders |= senders
        self._pushes |= pushes
        self._made_of = wanted
        self._planner = Planner(routing)

    async def tell(self, board: Board, ours: Ours, *, cut_off: bool = False) -> Look:
        """See to it that everybody is told what stands on the board.

        Looks in slices of some milliseconds, between which the board may change: what is told is
        what stands at the end.

        Args:
            board: alerts, records of notifications, silences, acknowledgements.
            ours, cut_off: which groups are this alerter's to tell, as of
                :class:`~shared.alerting.notifying.planner.Planner`.
        """
        took_s, slices = 0.0, 0
        while True:
            began, slices = self._clock(), slices + 1
            if self._pushes:
                self._stand(board, ours)
            if not self._senders:
                return Look(None, took_s + self._clock() - began)
            planner = self._planner
            planner.see(self._now(), board, ours, cut_off=cut_off)
            if self._worked(planner, math.inf if slices > MOST_SLICES else began + SLICE_S):
                break
            took_s += self._clock() - began
            await asyncio.sleep(0)
        planned = planner.planned()
        due: dict[str, list[Notification]] = {}
        for each in planned.due:
            due.setdefault(each.receiver, []).append(each)
        for name, sender in self._senders.items():
            sender.offer(due.get(name, ()))
        return Look(planned.next_look, took_s + self._clock() - began)

    def withdraw(self) -> None:
        """What waits may not be so any more: it is to be told when it is planned anew."""
        for sender in self._senders.values():
            sender.offer(())

    def _worked(self, planner: Planner, until: float) -> bool:
        return planner.work(lambda: self._clock() >= until)

    def _stand(self, board: Board, ours: Ours) -> None:
        owned = {rule: ours(rule) for rule in {each.rule for each in board.alerts.values()}}
        alerts = [each for each in board.alerts.values() if owned[each.rule]]
        for push in self._pushes.values():
            push.stand(alerts)

    def info(self) -> Mapping[str, object]:
        """Path and receivers, and how many groups wait for each; no addresses."""
        return {
            "path": self._settings.alerter_delivery,
            "receivers": {name: sender.waiting for name, sender in self._senders.items()},
            "alertmanagers": sorted(self._pushes),
        }

    @property
    def unreached(self) -> list[str]:
        """The receivers of which the last attempt failed."""
        senders = [name for name, each in self._senders.items() if each.unreached]
        return sorted([*senders, *(name for name, each in self._pushes.items() if each.unreached)])

    async def close(self, limit_s: float) -> None:
        """Send what is due, for so long at most, then stop."""
        for name in list(self._made_of):
            self._end(name, limit_s)
        self._made_of = {}
        if self._closing:
            await asyncio.wait(self._closing)

    def _sender(self, receiver: Receiver) -> Sender:
        return Sender(
            receiver.name,
            notifier_of(receiver, self._settings),
            self._settings.pace(receiver.per_minute),
            self._notified,
            Outcomes(self._instruments, receiver.name),
        )

    def _push(self, receiver: Receiver) -> AlertmanagerPush:
        return AlertmanagerPush(
            receiver.name,
            receiver.url,
            self._settings.links,
            Outcomes(self._instruments, receiver.name),
            resend_s=self._settings.alerter_alertmanager_resend_s,
            timeout_s=self._settings.alerter_notify_timeout_s,
        )

    def _end(self, name: str, limit_s: float = 0.0) -> None:
        """Stop telling a receiver; what it was not told is planned anew if it is there again."""
        made = self._senders.pop(name, None) or self._pushes.pop(name, None)
        if made is None:
            return
        ending = self._ending(name, made.close(limit_s))
        task = asyncio.create_task(ending, name=f"alerter-ending-{name}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _ending(self, name: str, closing: Coroutine[None, None, None]) -> None:
        await closing
        if name not in self._made_of:  # otherwise another one has its name, and its queue
            forget_queue(self._instruments, name)
