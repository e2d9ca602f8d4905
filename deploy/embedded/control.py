"""Acting on a platform that runs in another process: by its state file and signals.

A process is signalled only while its pid still has the time of creation that was recorded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from deploy.embedded import processes, state
from deploy.embedded.layout import Layout
from deploy.embedded.state import PlatformState, ProcessState
from deploy.embedded.supervisor import STOP_SECONDS, Observer
from shared.runtime import errors
from shared.runtime.errors import BerglineError, NotFound, Refused, Unavailable

POLL_SECONDS = 0.05
RESTART_SECONDS = 60.0
DRAIN_SECONDS = STOP_SECONDS
_SLACK_SECONDS = 3.0


def running(where: Layout) -> PlatformState:
    """The state of the platform that runs on this data directory.

    Raises:
        Unavailable: none runs.
    """
    now = state.read(where.state_file)
    if now is None or not now.supervised:
        raise Unavailable(f"no platform runs on {where.root}", "start one with `bergline up`")
    return now


def detach(
    where: Layout,
    replicas: Mapping[str, int],
    ports: str,
    observer: Observer,
    brokers: str | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> PlatformState:
    """Start a platform in a session of its own and wait until it is ready.

    Its own messages go to ``logs/supervisor.log``. ``variables`` are set for it and its processes
    where they are not set here.

    Raises:
        Refused: one runs on this data directory already.
        BerglineError: it could not start; the error says what its log says.
    """
    where.prepare()
    before = state.read(where.state_file)
    if before is not None and before.supervised:
        raise Refused(
            f"a platform runs on {where.root} already (supervisor pid {before.supervisor_pid})",
            "`bergline status` shows it, `bergline down` ends it",
        )
    command = [sys.executable, "-P", "-m", "deploy.embedded", "--ports", ports]
    for name, count in replicas.items():
        command += ["--replicas", f"{name}={count}"]
    if brokers is not None:
        command += ["--brokers", brokers]
    with where.log("supervisor").open("ab") as log:
        said_before = log.tell()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**variables, **os.environ, "BERGLINE_DATA_DIR": str(where.root)},
        )
    while child.poll() is None:
        now = state.read(where.state_file)
        if now is not None and now.supervisor_pid == child.pid:
            observer(now)
            if now.phase == "ready":
                # It is meant to outlive us: nothing to wait for, nothing to warn about.
                child.returncode = 0
                return now
        time.sleep(POLL_SECONDS)
    with where.log("supervisor").open("rb") as log:
        log.seek(said_before)
        said = log.read().decode(errors="replace").strip()
    what, _, next_step = said.rpartition("\n")
    raise _error_of(child.returncode)(what or said, next_step if what else "")


def stop(where: Layout) -> bool:
    """End the platform and wait for its last process; whether one ran.

    Raises:
        Unavailable: it has not ended in time.
    """
    now = state.read(where.state_file)
    if now is None:
        return False
    left = now.left_over()
    if now.supervised:
        os.kill(now.supervisor_pid, signal.SIGTERM)
        limit = STOP_SECONDS + _SLACK_SECONDS
        if not processes.wait_gone(now.supervisor_pid, now.supervisor_created, limit):
            raise Unavailable(
                f"the supervisor (pid {now.supervisor_pid}) has not ended within {limit:g} s",
                f"look at {where.logs}, then: kill -9 {now.supervisor_pid}",
            )
        return True
    end_left_over(where)
    return bool(left)


def end_left_over(where: Layout) -> None:
    """Kill children of a supervisor that was killed where the kernel did not do it for us."""
    last = state.read(where.state_file)
    if last is None or last.supervised:
        return
    for process in last.left_over():
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself meanwhile
            os.kill(process.pid, signal.SIGKILL)
        processes.wait_gone(process.pid, process.created)


def processes_named(platform: PlatformState, name: str) -> list[str]:
    """Names of the processes of a service, or the one process of that name.

    Raises:
        NotFound: there is none.
    """
    found = [each.name for each in platform.processes if name in (each.service, each.name)]
    found = [each for each in found if not _of(platform, each).task]
    if not found:
        known = sorted({each.service for each in platform.processes if not each.task})
        raise NotFound(f"nothing called {name!r} runs", f"there are: {', '.join(known)}")
    return found


def restart(where: Layout, name: str) -> ProcessState:
    """SIGTERM to one process, then wait until its successor is ready.

    A process that hangs, and does not end in the time that draining takes at most, is killed.

    Raises:
        Unavailable: the successor is not ready in time.
    """
    old = _of(running(where), name)
    if old.pid and processes.alive(old.pid, old.created):
        os.kill(old.pid, signal.SIGTERM)
        if not processes.wait_gone(old.pid, old.created, DRAIN_SECONDS):
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself meanwhile
                os.killpg(old.pid, signal.SIGKILL)
    return _until(
        where,
        name,
        lambda new: new.condition == "ready" and (new.pid, new.created) != (old.pid, old.created),
        "is not ready",
    )


def hold(where: Layout, name: str, number: signal.Signals = signal.SIGTERM) -> ProcessState:
    """End one process and leave it stopped until it is released, or the platform is started anew.

    Raises:
        Unavailable: it has not ended in time, or no platform runs.
    """
    old = _of(running(where), name)
    held = where.held(name)
    held.parent.mkdir(mode=0o700, exist_ok=True)
    held.touch()
    if old.pid and processes.alive(old.pid, old.created):
        os.kill(old.pid, number)
    return _until(where, name, lambda new: new.condition == "stopped", "has not ended")


def release(where: Layout, name: str) -> ProcessState:
    """Start what was held, and wait until it is ready; nothing is done to what was not.

    Raises:
        Unavailable: it is not ready in time, or no platform runs.
    """
    where.held(name).unlink(missing_ok=True)
    return _until(where, name, lambda new: new.condition == "ready", "is not ready")


def _until(
    where: Layout, name: str, condition: Callable[[ProcessState], bool], otherwise: str
) -> ProcessState:
    """Wait until the supervisor says so of a process.

    Raises:
        Unavailable: it does not say so in time, or no platform runs.
    """
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        now = _of(running(where), name)
        if condition(now):
            return now
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{name} {otherwise} after {RESTART_SECONDS:g} s: {now.reason or now.condition}",
                f"`bergline logs {name}` shows why",
            )
        time.sleep(POLL_SECONDS)


def _of(platform: PlatformState, name: str) -> ProcessState:
    return next(each for each in platform.processes if each.name == name)


def _error_of(exit_code: int) -> type[BerglineError]:
    kinds = (errors.ConfigurationError, Unavailable, NotFound, Refused, errors.CheckFailed)
    return next((kind for kind in kinds if kind.exit_code == exit_code), BerglineError)
