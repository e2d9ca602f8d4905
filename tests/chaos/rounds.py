"""Runs the rounds: hurts a platform under traffic by a plan, waits, and gathers what was seen."""

from __future__ import annotations

import contextlib
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.settings import DemoSettings
from deploy.embedded.processes import memory_bytes
from deploy.generator.signing import Signer
from tests.chaos.derived_history import DerivedHistory
from tests.chaos.faults import BUILDERS, MAINTAINERS, SESSION_S, WORKERS, Round
from tests.chaos.history import History
from tests.chaos.injector import Injector, Sleep
from tests.chaos.memory import Sample
from tests.chaos.outages import Outage
from tests.chaos.recovery import READY_WITHIN_S, DerivedRecovery, Recovery, Stalled, within
from tests.chaos.traffic import Traffic
from tests.support.platform import EmbeddedPlatform

_FIRST_ROWS_S = 30.0


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What one round did.

    Attributes:
        number: from 1.
        faults: as planned, in words.
        seconds: from its beginning to its end.
        ready_s: from the end of its last fault until every process was ready; ``None`` when the
            next round began under way.
        settled_s: the same, until the tables had caught up.
        last: what was ready last, and what it waited for.
        done: what was really done, each with its seconds since the run began.
    """

    number: int
    faults: tuple[str, ...]
    seconds: float
    ready_s: float | None
    settled_s: float | None
    last: str
    done: tuple[str, ...]


@dataclass(slots=True)
class Run:
    """Everything seen up to now; complete unless ``stalled`` says why not."""

    rounds: list[RoundResult] = field(default_factory=list)
    memory: list[Sample] = field(default_factory=list)
    sleeps: list[Sleep] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    stalled: str | None = None
    derived_s: float | None = None
    """Seconds from the last landed row until every derived table held everything."""


def chaos_platform(directory: Path, small_disks: dict[str, int]) -> EmbeddedPlatform:
    """Two writers that share every table, so that each commit may meet the other's, two
    transformers and two maintainers that can take over each other's tables.

    Tables are compacted, expired and swept as often as that can be, so that writers, builds and
    faults meet it: nothing is too hot, a few files are many, and the newest version is enough.
    """
    return EmbeddedPlatform(
        directory,
        replicas={
            "stream_writer": WORKERS,
            "transformer": BUILDERS,
            "maintainer": MAINTAINERS,
            "alerter": 0,
        },
        environment={
            "BERGLINE_STREAM_WRITER_SPREAD_PARTITIONS": "true",
            "BERGLINE_STREAM_WRITER_SESSION_TIMEOUT_S": str(SESSION_S),
            "BERGLINE_TRANSFORMER_SESSION_TIMEOUT_S": str(SESSION_S),
            "BERGLINE_TRANSFORMER_RECONCILE_S": "5",
            "BERGLINE_MAINTAINER_SESSION_TIMEOUT_S": str(SESSION_S),
            "BERGLINE_MAINTAINER_LOOK_S": "5",
            "BERGLINE_MAINTAINER_HOT_S": "0",
            "BERGLINE_MAINTAINER_LEAST_FILES": "3",
            "BERGLINE_MAINTAINER_MANY_MANIFESTS": "20",
            "BERGLINE_MAINTAINER_EXPIRE_S": "20",
            "BERGLINE_MAINTAINER_RETENTION_DAYS": "0",
            "BERGLINE_MAINTAINER_RETAIN_LAST": "1",
            "BERGLINE_MAINTAINER_ORPHANS_S": "30",
            "BERGLINE_MAINTAINER_BACKOFF_S": "0.5",
            "BERGLINE_MAINTAINER_BACKOFF_LONGEST_S": "5",
        },
        small_disks=small_disks,
    )


def traffic_to(platform: EmbeddedPlatform, ledger: Path, rate: float, seed: int) -> Traffic:
    """Vendors that know the platform's secrets."""
    settings = DemoSettings.of(platform.layout.root)
    signer = Signer.of(settings)
    return Traffic(settings.ingest_url, signer, ledger, rate=rate, seed=seed)


class Runner:
    """One run on a ready platform.

    Args:
        platform: is hurt.
        traffic: flows; its end is waited for.
        history: collects snapshots of landing tables.
        derived: collects builds of derived tables.
        observe: told each round as it ends.
    """

    def __init__(
        self,
        platform: EmbeddedPlatform,
        traffic: Traffic,
        history: History,
        derived: DerivedHistory,
        observe: Callable[[RoundResult], None],
    ) -> None:
        self._platform = platform
        self._traffic = traffic
        self._history = history
        self._derived = derived
        self._observe = observe
        self._began = time.monotonic()
        self._done: list[str] = []
        self._injector = Injector(platform, self._note)
        self.run = Run(sleeps=self._injector.sleeps, done=self._injector.done)

    def __call__(self, plan: Sequence[Round]) -> Run:
        """Every round, then calm: no traffic, everything ready, everything landed and built."""
        try:
            self._injector.run(within(_FIRST_ROWS_S, self._flows, "the first webhooks accepted"))
            for each in plan:
                self._round(each)
            self._traffic.stop()
            self._recover()
            building = DerivedRecovery(self._platform, self._derived)
            self._injector.run(building.done)
            self.run.derived_s = _rounded(building.seconds)
        except Stalled as stalled:
            self.run.stalled = str(stalled)
            self._ask_everybody()
            self._injector.undo()
            self._traffic.stop(patience_s=5.0)
        self.run.outages = self._injector.outages.all()
        return self.run

    def _round(self, plan: Round) -> None:
        began = time.monotonic()
        self._done.clear()
        ends = self._injector.begin(plan) + plan.breath_s
        if plan.calm:
            bound = READY_WITHIN_S
            self._injector.run(within(bound, lambda: self._injector.idle, "faults undone"))
            recovery = self._recover()
        else:
            self._injector.run(lambda: time.monotonic() >= ends)
            recovery = None
        self._traffic.check()
        result = RoundResult(
            number=plan.number,
            faults=tuple(map(str, plan.faults)),
            seconds=_rounded(time.monotonic() - began),
            ready_s=None if recovery is None else _rounded(recovery.ready_s),
            settled_s=None if recovery is None else _rounded(recovery.settled_s),
            last="" if recovery is None else recovery.last,
            done=tuple(self._done),
        )
        self.run.rounds.append(result)
        self._observe(result)

    def _recover(self) -> Recovery:
        recovery = Recovery(self._platform, self._history)
        self._injector.run(recovery.done)
        self._derived.look()
        self.run.memory.append(memory(self._platform))
        return recovery

    def _ask_everybody(self) -> None:
        """What the processes say of themselves, kept beside their logs."""
        for each in self._platform.state.processes:
            for path in ("readyz", "info", "metrics"):
                url = f"http://127.0.0.1:{each.metrics_port}/{path}"
                kept = self._platform.layout.logs / f"{each.name}-{path}.txt"
                with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                    kept.write_bytes(answer.read())

    def _flows(self) -> bool:
        return self._traffic.counts["accepted"] > 0

    def _note(self, what: str) -> None:
        self._done.append(f"{time.monotonic() - self._began:.1f} s: {what}")


def memory(platform: EmbeddedPlatform) -> Sample:
    """Bytes of every process, the supervisor's too."""
    now = platform.state
    found = {each.name: memory_bytes(each.pid) for each in now.processes if not each.task}
    return found | {"supervisor": memory_bytes(now.supervisor_pid)}


def _rounded(seconds: float | None) -> float:
    return round(seconds or 0.0, 1)
