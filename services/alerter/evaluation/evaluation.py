"""The loop that evaluates: each rule at its interval, and at once when an event changed a signal.

One pass after the other: the changes of a pass are recorded before the next one begins. An error of
one rule leaves its alerts as they stand, is told, and stops no other rule; one of a source of
signals holds the rules that need it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import structlog

from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.timetable import Timetable
from shared.alerting.alert import Alert
from shared.alerting.reach import signals, windows
from shared.alerting.rule import Rule, Rules
from shared.alerting.series import SignalSource
from shared.alerting.store import SeriesStore
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")

LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an alert; ``touched``: of what is remembered of it, not of its state."""

    alert: Alert
    rule: Rule
    cause: str | None = None
    touched: bool = False


Record = Callable[[Sequence[Change]], Awaitable[None]]
"""Make changes durable and see to their being told; never raises."""


@dataclass(slots=True)
class Troubles:
    """What does not work, by the name of the rule or of the signals: an error in words."""

    rules: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


class Evaluation:
    """Evaluates the rules that are this alerter's.

    Args:
        judge: evaluates one rule.
        store: of signals, which this fills.
        sources: of signals.
        record: takes the changes of a pass.
        took: told how long a pass took, in seconds.
        slept: called when the process was stopped for long, and may have lost its rules meanwhile.
        slept_s: how long that is.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        judge: Judge,
        store: SeriesStore,
        sources: Sequence[SignalSource],
        record: Record,
        took: Callable[[float], object],
        slept: Callable[[], None] = lambda: None,
        slept_s: float = 20.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._judge = judge
        self._store = store
        self._sources = sources
        self._record = record
        self._took = took
        self._slept = slept
        self._slept_s = slept_s
        self._paused = False
        self._clock = clock
        self._rules: Rules = MappingProxyType({})
        self._owned: frozenset[str] = frozenset()
        self._timetable = Timetable()
        self._sample_s = LONGEST_WAIT_S
        self._sample_at = 0.0
        self._causes: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._outages: dict[str, Outage] = {}
        self.troubles = Troubles()
        self.held: frozenset[str] = frozenset()
        """Owned rules that wait for a signal to be known."""
        self.between_passes = asyncio.Lock()
        """Who has it finds all that was evaluated on record, and nothing is evaluated meanwhile."""
        self.passes = 0

    @property
    def rules(self) -> Rules:
        """Those in force, whoever evaluates them."""
        return self._rules

    @property
    def owned(self) -> frozenset[str]:
        """Rules that are evaluated here."""
        return self._owned

    def adopt(self, rules: Rules, owned: Collection[str]) -> None:
        """From now on these rules are in force, and those ``owned`` are evaluated here."""
        anew = {name for name, rule in rules.items() if self._rules.get(name) != rule}
        self._rules = rules
        self._store.retain(windows([rule.condition for rule in rules.values()]))
        self._sample_s = min((rule.interval_s for rule in rules.values()), default=LONGEST_WAIT_S)
        self._share(owned, anew)

    def own(self, names: Collection[str]) -> None:
        """From now on these rules are evaluated here, as far as they are in force."""
        self._share(names, ())

    def _share(self, names: Collection[str], anew: Collection[str]) -> None:
        for gone in {*self._owned.difference(names), *anew}:
            self._judge.forget(gone)
        self._owned = frozenset(names) & self._rules.keys()
        mine = {name: rule for name, rule in self._rules.items() if name in self._owned}
        self._timetable.set_rules(
            {name: rule.interval_s for name, rule in mine.items()},
            {name: signals(rule.condition) for name, rule in mine.items()},
            time.monotonic(),
            anew,
        )
        self.held &= self._owned
        for name in self.troubles.rules.keys() - self._owned:
            del self.troubles.rules[name]
        self._wake.set()

    def pause(self) -> None:
        """Evaluate nothing until :meth:`resume`."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._wake.set()

    def changed(self, names: Collection[str], cause: str | None = None) -> None:
        """An event, perhaps with an id, changed these signals."""
        touched = self._timetable.changed(names, time.monotonic())
        if cause is not None:
            self._causes.update(dict.fromkeys(touched, cause))
        self._wake.set()

    async def run(self) -> None:
        """Evaluate until cancelled."""
        while True:
            await self._until_due()
            async with self.between_passes:
                began = time.monotonic()
                changes = self.evaluate(self._timetable.take(began), began)
                ended = time.monotonic()
                self._timetable.took(ended - began, ended)
                self._took(ended - began)
                if changes:
                    await self._record(changes)

    def evaluate(self, names: Sequence[str], monotonic: float) -> list[Change]:
        """One pass over these rules: sample what they need, and judge them."""
        now = self._clock()
        self.passes += 1
        rules = [self._rules[name] for name in names]
        whole = monotonic >= self._sample_at
        if whole:  # for windows of others' rules as well: they may be ours tomorrow
            self._sample_at = monotonic + self._sample_s
        self._sample(None if whole else {s for each in rules for s in signals(each.condition)}, now)
        changes: list[Change] = []
        held = set(self.held)
        for rule in rules:
            cause = self._causes.pop(rule.name, None)
            try:
                advanced = self._judge.judge(rule, now)
            except Exception as error:  # noqa: BLE001 - no rule may stop the others
                self._failed(self.troubles.rules, rule.name, "rule not evaluated", error)
                continue
            self._worked(self.troubles.rules, rule.name)
            if advanced is None:
                held.add(rule.name)
                continue
            held.discard(rule.name)
            changes += [Change(alert, rule, cause) for alert in advanced.changed]
            changes += [Change(alert, rule, cause, touched=True) for alert in advanced.touched]
        self.held = frozenset(held)
        return changes

    async def _until_due(self) -> None:
        while True:
            self._wake.clear()
            due = None if self._paused else self._timetable.next_at()
            now = time.monotonic()
            wait = LONGEST_WAIT_S if due is None else due - now
            if wait <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            if time.monotonic() > now + wait + self._slept_s:
                self._slept()

    def _sample(self, needed: Collection[str] | None, now: float) -> None:
        for source in self._sources:
            names = source.names
            if needed is not None and names.isdisjoint(needed):
                continue
            shown = min(names, default="")
            try:
                if source.known(now):
                    self._store.take(names, source.vectors(now), now)
                else:
                    self._store.hold(names)
            except Exception as error:  # noqa: BLE001 - a source may not stop the others
                self._store.hold(names)
                self._failed(self.troubles.sources, shown, "signals not read", error)
            else:
                self._worked(self.troubles.sources, shown)

    def _failed(self, where: dict[str, str], name: str, what: str, error: Exception) -> None:
        where[name] = f"{type(error).__name__}: {error}"
        outage = self._outages.get(name)
        if outage is None:
            outage = self._outages[name] = Outage(log, what, name=name)
            log.debug(what, name=name, exc_info=error)
        outage.failed(error)

    def _worked(self, where: dict[str, str], name: str) -> None:
        if where.pop(name, None) is not None:
            self._outages.pop(name).over()
