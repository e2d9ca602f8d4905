"""What happens when: traffic, the broker goes, instances are killed, the broker is back, calm."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy.demo.settings import DemoSettings
from deploy.generator.signing import Signer
from shared.contracts.topics import SPOOL
from tests.chaos.audit import Evidence, Violation, audit
from tests.chaos.broker_away.broker import AwayBroker
from tests.chaos.broker_away.looking import Looking, Told, wait
from tests.chaos.broker_away.order_audit import audit_order, ordered
from tests.chaos.broker_away.senders import ledger, ledgers, senders
from tests.chaos.evidence import events, gather
from tests.chaos.history import History
from tests.chaos.recovery import Recovery, Stalled
from tests.support.platform import EmbeddedPlatform

INSTANCES = 2
KILLS = 2
"""Of each instance, while the broker is away."""

_FLOWS_WITHIN_S = 60.0
_TELLS_WITHIN_S = 60.0
_TOLD_AFTER_S = 3.0
"""An instance notices within a second or two that the broker is away."""
_LOOK_EVERY_S = 1.0
_HISTORY_EVERY_S = 10.0
_BACK_WITHIN_S = 60.0
_EMPTY_WITHIN_S = 300.0


@dataclass(slots=True)
class Away:
    """What was seen.

    Attributes:
        done: how often what was killed.
        told: what each instance told while the broker was away.
        events: what was told on the broker of the spools, each once.
        sent: ``begun``, ``accepted``, ``retries``, ``unanswered`` … of all senders.
        rate: webhooks a second that were begun, all senders together: fewer than were asked for
            where the machine is too busy.
        evidence: for the audit, if it came to that.
        violations: what it found.
        ordered: webhooks whose order was promised.
        seconds: how long what took.
        stalled: what did not come to its end.
    """

    done: Counter[str] = field(default_factory=Counter)
    told: list[Told] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    rate: float = 0.0
    evidence: Evidence | None = None
    violations: list[Violation] = field(default_factory=list)
    ordered: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    stalled: str | None = None


def away_platform(directory: Path, broker: AwayBroker) -> EmbeddedPlatform:
    """Ingest twice, one writer, and a broker that nobody starts again."""
    return EmbeddedPlatform(
        directory,
        replicas={
            "ingest": INSTANCES,
            "stream_writer": 1,
            "transformer": 0,
            "maintainer": 0,
            "alerter": 0,
        },
        broker=broker,
    )


class Scenario:
    """One run.

    Args:
        directory: for data, logs and ledgers; empty.
        away_s: how long the broker is away.
        rate: webhooks a second, all senders together.
        seed: which webhooks.
        while_replaying: kill every instance as soon as the first records of a spool are sent, too:
            for runs that spool more than is sent in a moment.
        tell: told what happens, in words.
    """

    def __init__(
        self,
        directory: Path,
        *,
        away_s: float,
        rate: float,
        seed: int,
        while_replaying: bool,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._directory = directory
        self._away_s = away_s
        self._rate = rate
        self._seed = seed
        self._while_replaying = while_replaying
        self._tell = tell
        self._broker = AwayBroker(directory)
        self._platform = away_platform(directory, self._broker)
        self._urls = [self._platform.url("ingest", number) for number in range(INSTANCES)]
        self._looking = Looking(self._urls)
        self._looked = self._looked_at_history = 0.0
        self._away_since: float | None = None
        self._back = 0.0
        self.run = Away(told=self._looking.told)

    def __call__(self) -> Away:
        """All of it; the platform is ended whatever happens."""
        run, platform = self.run, self._platform
        try:
            began = time.monotonic()
            platform.start()
            run.seconds["start"] = time.monotonic() - began
            self._history = History(platform.settings)
            self._senders = senders(
                self._urls,
                Signer.of(DemoSettings.of(platform.layout.root)),
                self._directory,
                rate=self._rate,
                seed=self._seed,
            )
            try:
                for sender in self._senders:
                    sender.start()
                self._hurt()
            finally:
                for sender in self._senders:
                    sender.stop()
                    run.sent += sender.counts
                    if sender.seconds:
                        run.rate += sender.counts["begun"] / sender.seconds
            self._calm()
            self._audit()
        except (TimeoutError, Stalled, AssertionError) as error:
            run.stalled = str(error)
        finally:
            platform.close()
        return run

    def _hurt(self) -> None:
        platform, broker = self._platform, self._broker
        wait(_FLOWS_WITHIN_S, self._flows, "the first webhooks accepted")
        before = min(10.0, self._away_s / 4)
        self._until(time.monotonic() + before)
        broker.kill9()
        self.run.done["broker"] += 1
        self._tell(f"the broker is away for {self._away_s:g} s")
        self._away_since = began = time.monotonic()
        steps = INSTANCES * KILLS
        for step in range(steps):
            self._until(began + self._away_s * (step + 1) / (steps + 1))
            self._kill_once_it_told(step % INSTANCES)
            if step == steps // 2:
                self._kill("stream_writer")
        self._until(began + self._away_s)
        self._away_since = None
        self.run.seconds["away"] = time.monotonic() - began
        broker.start()
        self._back = time.monotonic()
        self._tell("the broker is back")
        if self._while_replaying:
            replayed = self._looking.replayed
            wait(_BACK_WITHIN_S, lambda: replayed() > 0, "the first records of a spool sent")
            for number in range(INSTANCES):
                self._kill("ingest", number)
        wait(_BACK_WITHIN_S, lambda: platform.is_ready, "everything ready again")
        self._until(time.monotonic() + before)

    def _calm(self) -> None:
        """No traffic; the spools become empty, and the tables hold everything."""
        left = self._looking.spooling
        wait(_EMPTY_WITHIN_S, lambda: not left(), f"the spools empty: {left()}", self._see)
        self.run.seconds["spools_empty"] = time.monotonic() - self._back
        recovery = Recovery(self._platform, self._history)
        while not recovery.done():
            time.sleep(0.1)
        self.run.seconds["tables_caught_up"] = time.monotonic() - self._back

    def _audit(self) -> None:
        began = time.monotonic()
        run, settings = self.run, self._platform.settings
        evidence = gather(settings, self._history, ledger(self._directory, 0))
        run.evidence = replace(evidence, ledger=ledgers(self._directory, INSTANCES))
        told = (dict(each) for each in events(settings, SPOOL))
        run.events = list(
            {(each["instance"], each["began_at"], each["change"]): each for each in told}.values()
        )
        run.violations = [*audit(run.evidence), *audit_order(run.evidence)]
        run.ordered = ordered(run.evidence)
        run.seconds["audit"] = time.monotonic() - began

    def _until(self, moment: float) -> None:
        """Look on until then."""
        while (left := moment - time.monotonic()) > 0:
            self._see()
            time.sleep(min(left, 0.1))

    def _kill_once_it_told(self, replica: int) -> None:
        """On a busy machine an instance takes long to start: what never ran proves nothing."""
        told = self._looking.told[replica]
        looks = told.looks
        what = f"instance {replica} telling of its spool"
        wait(_TELLS_WITHIN_S, lambda: told.looks > looks, what, self._see)
        self._kill("ingest", replica)

    def _see(self) -> None:
        now = time.monotonic()
        for sender in self._senders:
            sender.check()
        since = self._away_since
        if since is not None and now - since > _TOLD_AFTER_S and now - self._looked > _LOOK_EVERY_S:
            self._looked = now
            self._looking.look()
        if self._broker.is_away or time.monotonic() - self._looked_at_history < _HISTORY_EVERY_S:
            return
        self._history.look()
        self._looked_at_history = time.monotonic()

    def _kill(self, service: str, replica: int = 0) -> None:
        name = f"{service}-{replica}" if replica else service
        try:
            self._platform.kill(service, replica)
        except ProcessLookupError:
            self.run.done["missed"] += 1
            return
        self.run.done[name] += 1
        self._tell(f"killed {name}")

    def _flows(self) -> bool:
        return all(sender.counts["accepted"] for sender in self._senders)
