"""``python -m tests.components.alerter_steps DIRECTORY``: an alerter killed at every single step.

The whole write path of an alerter, without clock and network: conditions that come and go become
changes, changes go to the journal, from there to a broker and to a receiver, which are files. For
each step of it (half of a write, a write, an fsync, a rename, a record at the broker, a
notification) a process is killed with SIGKILL right there. The next one finds the time advanced,
as after a restart, and goes on to the end. Processes are forked, so that hundreds of them cost no
start. Writes what came out of each to a file, a JSON object a line.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from services.alerter.journal.journal import Journal
from services.alerter.states.announcing import Announcing
from shared.alerting.alert import Alert
from shared.alerting.events import alert_of, event_of
from shared.alerting.lifecycle import advance
from shared.alerting.notifying.planning import plan
from shared.alerting.notifying.receiver import Receiver
from shared.alerting.notifying.routing import Route, Routing
from shared.alerting.series import Labels, Vector, labels
from shared.contracts.alerts import AlertChanged
from shared.contracts.event import Event
from tests.unit.alerting.test_lifecycle import AT_ONCE

T0 = 1_700_000_000.0
A, B = labels(table="a"), labels(table="b")
HISTORY: tuple[Vector, ...] = ({A: 2.0}, {A: 2.0, B: 3.0}, {B: 3.0}, {A: 2.0}, {}, {})
"""For which series the condition holds, evaluation by evaluation; at the end for none."""
DOWN = 1
"""So many evaluations are missed by a restart."""
COMPACT_BYTES = 3000
OUTCOMES = "outcomes"
ROUTING = Routing(
    {"desk": Receiver("desk", "webhook", SecretStr("http://desk"))},
    Route("desk", group_by=("table",), group_wait_s=0, group_interval_s=0),
    (),
)

_write, _fsync, _rename = os.write, os.fsync, Path.rename


class Steps:
    """Counts steps and kills this process at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self._count = itertools.count(1)
        self._kill_at = kill_at

    def __call__(self) -> bool:
        """A step was done, if this returns."""
        if next(self._count) == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def watch(self) -> None:
        """What the journal does is steps from now on."""

        def write(descriptor: int, data: bytes) -> int:
            half = _write(descriptor, bytes(data)[: len(data) // 2])
            self()
            rest = _write(descriptor, bytes(data)[half:])
            self()
            return half + rest

        def fsync(descriptor: int) -> None:
            _fsync(descriptor)
            self()

        def rename(path: Path, to: Path) -> Path:
            renamed = _rename(path, to)
            self()
            return renamed

        os.write, os.fsync, Path.rename = write, fsync, rename  # type: ignore[assignment]


class Told:
    """A file of JSON lines that outlives a kill: a broker's topics, or what a receiver was told."""

    def __init__(self, path: Path, step: Callable[[], bool]) -> None:
        self._path = path
        self._step = step

    def say(self, **what: Any) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(what).encode() + b"\n")
        self._step()

    def said(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_bytes().splitlines()]

    async def send(self, topic: str, event: Event) -> None:
        if isinstance(event, AlertChanged):
            known = {"fingerprint": event.fingerprint, "transition": event.transition}
            self.say(topic=topic, key=event.key(), state=event.state, **known)

    async def erase(self, topic: str, key: str) -> None:
        self.say(topic=topic, key=key, state=None)


async def run(directory: Path, first: int, kill_at: int | None) -> None:
    """From one evaluation on to the end, or to the kill."""
    steps = Steps(kill_at)
    steps.watch()
    desk, broker = Told(directory / "desk", steps), Told(directory / "broker", steps)
    journal = Journal(directory / "journal", compact_bytes=COMPACT_BYTES)
    _require_known(journal, [*desk.said(), *broker.said()])
    announcing = Announcing(journal, broker)
    held: dict[Labels, Alert] = {}
    for event in journal.board.alerts.values():
        alert = alert_of(event)
        held[alert.labels] = alert
    for number in range(first, len(HISTORY)):
        (directory / "now").write_text(str(number))
        now = T0 + 100 * number
        changed = advance(AT_ONCE, held, HISTORY[number], now).changed
        await journal.append([event_of(each, AT_ONCE) for each in changed])
        held.update({each.labels: each for each in changed})
        await announcing.flush()
        for each in plan(now, journal.board, ROUTING).due:
            await journal.append(each.telling(now))
            desk.say(
                key=each.idempotency_key,
                alerts=[(one.fingerprint, one.transition, one.state) for one in each.alerts],
            )
            await journal.append(each.taken(now))
    await announcing.flush()
    await journal.close()


def _require_known(journal: Journal, said: list[dict[str, Any]]) -> None:
    """Nobody was told of what is not in the journal."""
    for each in said:
        for fingerprint, transition in (
            [(each["fingerprint"], each["transition"])]
            if "fingerprint" in each
            else [(one[0], one[1]) for one in each.get("alerts", ())]
        ):
            known = journal.board.alerts.get(fingerprint)
            if known is None or known.transition < transition:
                sys.exit(f"told of {fingerprint}/{transition} and not known")


def forked(directory: Path, first: int, kill_at: int | None) -> int:
    """Run in a process of its own; how it ended, as ``waitpid`` says."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(run(directory, first, kill_at))
        except SystemExit as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        except BaseException as error:  # noqa: BLE001 - of a process that ends with it
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(2)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(root: Path) -> None:
    """Every step once, until there is none left."""
    for kill_at in itertools.count(1):
        directory = root / f"{kill_at}"
        directory.mkdir()
        ended = forked(directory, 0, kill_at)
        killed = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL
        if killed:
            now = directory / "now"
            first = int(now.read_text()) + 1 + DOWN if now.exists() else 0
            ended = forked(directory, min(first, len(HISTORY) - 1), None)
        said = {name: Told(directory / name, lambda: True).said() for name in ("desk", "broker")}
        with (root / OUTCOMES).open("a") as file:
            print(
                json.dumps({"step": kill_at, "killed": killed, "ended": ended, **said}), file=file
            )
        if not killed:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
