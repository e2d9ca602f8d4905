"""The faults, and the plan that a seed makes of them. Pure.

Faults are dealt from shuffled decks: after eight rounds every process was killed and every kind
met, after twenty every kind at every target, whatever the seed; a longer run meets them evenly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

SESSION_S = 6
"""Silence after which a worker of any group loses its partitions, as is set for chaos."""

WORKERS = 2
BUILDERS = 2
MAINTAINERS = 2
"""Processes of stream_writer, transformer and maintainer: what one holds, another can take over."""

_GROUPS = frozenset({"stream_writer", "transformer", "maintainer"})
_CALM_EVERY = 5
_FAULTS_PER_ROUND = (2, 2, 3, 3)
_BREATH_S = (1.0, 2.5)
_ZOMBIE_S = (SESSION_S + 4.0, SESSION_S + 7.0)
"""Long enough for the other worker to be given what the sleeper held, and to go beyond it."""


class Kind(Enum):
    """What is done."""

    KILL = "kill"
    """SIGKILL."""
    KILL_TWO = "kill two"
    """SIGKILL to two processes at once."""
    PAUSE = "pause"
    """SIGSTOP, later SIGCONT. A worker that sleeps longer than its session comes back a zombie."""
    DISK_FULL = "disk full"
    """The file system under the data has no room for a while."""


@dataclass(frozen=True, slots=True)
class Target:
    """A process of the platform; with ``worker`` one of those that transformer builds in."""

    service: str
    replica: int = 0
    worker: bool = False

    def __str__(self) -> str:
        name = f"{self.service}-{self.replica}" if self.replica else self.service
        return f"worker of {name}" if self.worker else name


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing done to one or two processes.

    Attributes:
        kind: what is done.
        targets: to whom.
        after_s: seconds after the round's beginning.
        lasts_s: until it is undone; 0 for a kill.
        left_bytes: room left on a full disk: a write may end half-way.
    """

    kind: Kind
    targets: tuple[Target, ...]
    after_s: float = 0.0
    lasts_s: float = 0.0
    left_bytes: int = 0

    @property
    def zombie(self) -> bool:
        """Whether a member of a group sleeps past its session."""
        asleep = self.kind is Kind.PAUSE and self.lasts_s > SESSION_S
        (first, *_) = self.targets
        return asleep and first.service in _GROUPS and not first.worker

    def __str__(self) -> str:
        lasts = f" {self.lasts_s:g} s" if self.lasts_s else ""
        return f"{self.kind.value} {' + '.join(map(str, self.targets))}{lasts}"


@dataclass(frozen=True, slots=True)
class Round:
    """The faults of one round, and how it ends.

    Attributes:
        number: from 1.
        faults: what is done.
        calm: whether the round waits until everything is ready and settled again, as one with
            a zombie always does; the next one begins under way otherwise.
        breath_s: seconds after the last fault's beginning before a round that is not calm ends.
    """

    number: int
    faults: tuple[Fault, ...]
    calm: bool
    breath_s: float


INGEST, BROKER, STORAGE = Target("ingest"), Target("broker"), Target("storage")
WRITERS = tuple(Target("stream_writer", replica) for replica in range(WORKERS))
TRANSFORMERS = tuple(Target("transformer", replica) for replica in range(BUILDERS))
BUILD_WORKERS = tuple(Target("transformer", replica, worker=True) for replica in range(BUILDERS))
KEEPERS = tuple(Target("maintainer", replica) for replica in range(MAINTAINERS))
TARGETS = (INGEST, *WRITERS, BROKER, STORAGE, *TRANSFORMERS, *KEEPERS)


def plan(seed: int, rounds: int, left_out: frozenset[Target] = frozenset()) -> list[Round]:
    """The same arguments give the same rounds.

    Args:
        seed: what to do, when, to whom.
        rounds: how many.
        left_out: targets whose disk cannot be made full here.
    """
    rng = random.Random(seed)
    cards = _dealt(rng, left_out)
    put_back: list[Fault] = []
    made = []
    for number in range(1, rounds + 1):
        drawn = [
            put_back.pop(0) if put_back else next(cards)
            for _ in range(rng.choice(_FAULTS_PER_ROUND))
        ]
        faults, disturbing = _undisturbed(drawn)
        put_back += disturbing
        calm = number % _CALM_EVERY == 0 or number == rounds or any(each.zombie for each in faults)
        made.append(Round(number, tuple(faults), calm, round(rng.uniform(*_BREATH_S), 2)))
    return made


def _undisturbed(faults: list[Fault]) -> tuple[list[Fault], list[Fault]]:
    """What can happen at once, and what would keep a zombie from coming back: that waits."""
    asleep = {fault.targets[0] for fault in faults if fault.zombie}
    disturbing = [fault for fault in faults if not fault.zombie and asleep & set(fault.targets)]
    return [fault for fault in faults if fault not in disturbing], disturbing


def _dealt(rng: random.Random, left_out: frozenset[Target]) -> Iterator[Fault]:
    """Faults without end: a shuffled deck of the most telling ones, then one of all others."""
    while True:
        for deck in _decks(rng, left_out):
            rng.shuffle(deck)
            yield from (card() for card in deck)


def _decks(
    rng: random.Random, left_out: frozenset[Target]
) -> tuple[list[Callable[[], Fault]], list[Callable[[], Fault]]]:
    def kill(target: Target) -> Fault:
        return Fault(Kind.KILL, (target,), _moment(rng))

    def kill_two() -> Fault:
        return Fault(Kind.KILL_TWO, tuple(rng.sample(TARGETS, 2)), _moment(rng))

    def pause(target: Target, shortest: float, longest: float) -> Fault:
        lasts = round(rng.uniform(shortest, longest), 1)
        return Fault(Kind.PAUSE, (target,), _moment(rng), lasts)

    def disk_full(target: Target) -> Fault:
        lasts = round(rng.uniform(1.0, 4.0), 1)
        left = rng.choice((0, 64, 512)) * 1024
        return Fault(Kind.DISK_FULL, (target,), _moment(rng), lasts, left)

    def kills(target: Target) -> Callable[[], Fault]:
        return lambda: kill(target)

    def pauses(target: Target) -> Callable[[], Fault]:
        return lambda: pause(target, 0.5, 6.0)

    def zombies(target: Target) -> Callable[[], Fault]:
        return lambda: pause(target, *_ZOMBIE_S)

    def fills(target: Target) -> Callable[[], Fault]:
        return lambda: disk_full(target)

    worker, other_worker = rng.sample(BUILD_WORKERS, 2)
    builder, keeper = rng.choice(TRANSFORMERS), rng.choice(KEEPERS)
    writer, other_writer = rng.sample(WRITERS, 2)
    sleeper, later_sleeper = rng.sample((builder, keeper), 2)
    disks = [fills(target) for target in (BROKER, STORAGE) if target not in left_out]
    first = [kills(target) for target in (*TARGETS, worker)]
    first += [zombies(writer), zombies(sleeper), *disks, kill_two]
    later = [kills(target) for target in (*TARGETS, other_worker)]
    later += [pauses(target) for target in (*TARGETS, rng.choice(BUILD_WORKERS))]
    later += [zombies(other_writer), zombies(later_sleeper), *disks, kill_two]
    return first, later


def _moment(rng: random.Random) -> float:
    return round(rng.uniform(0.0, 1.0), 2)
