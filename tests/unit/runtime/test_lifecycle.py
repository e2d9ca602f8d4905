"""A service process ends in time, with the right code, whatever its threads do."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.runtime.errors import Unavailable

PROGRAM = """
import asyncio, sys, threading, time
from shared.runtime import lifecycle
from shared.runtime.errors import Unavailable
from shared.runtime.settings import Settings

lifecycle.DRAIN_SECONDS, lifecycle.TIDY_SECONDS = 2.0, 0.5

async def main(stop):
    print("up", flush=True)
    {body}

sys.exit(lifecycle.run_service("test", Settings(), main))
"""
SLOW_S = 10.0
"""Less than the threads here would take."""


@contextmanager
def service(body: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs this as its service, and has begun to."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and standard error; not later than the limit allows."""
    began = time.monotonic()
    _, error = process.communicate(timeout=60)
    assert time.monotonic() - began < SLOW_S
    return process.returncode, error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(number: signal.Signals) -> None:
    with service("await stop.wait(); print('drained')") as process:
        process.send_signal(number)
        assert ended(process)[0] == 0


def test_a_drain_that_hangs_is_given_up() -> None:
    with service("await asyncio.sleep(60)") as process:
        process.terminate()
        code, error = ended(process)
        assert code == 1
        assert "drain took too long" in error


@pytest.mark.parametrize(
    "body",
    [
        "await asyncio.to_thread(time.sleep, 60)",
        "threading.Thread(target=time.sleep, args=(60,)).start(); await stop.wait()",
        "await stop.wait(); time.sleep(60)",
    ],
    ids=["executor", "thread", "event loop"],
)
def test_what_blocks_does_not_keep_the_process(body: str) -> None:
    with service(body) as process:
        process.terminate()
        code, error = ended(process)
        assert code == 1
        assert "leaving" in error


def test_a_crash_is_told_by_the_exit_code_although_a_thread_goes_on() -> None:
    body = "asyncio.get_running_loop().run_in_executor(None, time.sleep, 60); raise RuntimeError"
    with service(body) as process:
        assert ended(process)[0] == 1


def test_an_error_for_humans_has_its_own_code() -> None:
    with service("raise Unavailable('the broker is away', 'start it')") as process:
        code, error = ended(process)
        assert code == Unavailable.exit_code
        assert error == "test: the broker is away\nstart it\n"
