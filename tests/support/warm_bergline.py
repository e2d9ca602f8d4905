"""``python -m …`` in a process of its own, but forked from one that has imported what it needs.

A command of ``bergline`` starts with a second of imports, and tests run hundreds. Each still has
arguments, variables, streams and an exit code of its own; where it matters how a process starts or
takes a signal, tests start ``python -m``. Elsewhere than on Linux this does so, too.

Run as ``python -m tests.support.warm_bergline``, this is the process that forks: one request is a
line of JSON with the descriptors of all streams, answered by a line with the pid and one with the
code.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.support.tied import tied

ROOT = Path(__file__).parents[2]
PRELOADED = (
    "aiokafka.admin",
    "duckdb",
    "pyarrow.compute",
    "pyarrow.parquet",
    "pyiceberg.catalog.rest",
    "pyiceberg.io.pyarrow",
    "rich.console",
    "rich.table",
    "shared.lake.balance",
    "shared.lake.freshness",
    "shared.lake.history",
    "shared.lake.inventory",
    "shared.lake.maintenance.compaction",
    "shared.lake.maintenance.expiry",
    "shared.lake.maintenance.orphans",
    "shared.lake.query",
    "shared.lake.standing",
    "shared.lake.tracing.search",
    "shared.runtime.consumer_groups",
    "shared.runtime.event_log",
    "shared.runtime.maintaining",
    "shared.runtime.refreshing",
    "shared.runtime.topic_inventory",
    "shared.runtime.waves",
)
"""What commands import when they run; their own modules come in addition."""

ERRORS = "surrogateescape"
_REQUEST_BYTES = 1 << 20


def bergline(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    *,
    seconds: float = 120.0,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[str]:
    """Run one command; :func:`module` tells the rest."""
    return module("shared.cli", arguments, variables, seconds=seconds, stdin=stdin)


def module(
    name: str,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    *,
    seconds: float = 120.0,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[str]:
    """Run a module as ``python -m`` does, in the checkout's directory.

    Args:
        name: of the module.
        arguments: behind it.
        variables: its whole environment.
        seconds: after so many it is killed.
        stdin: what it can read.

    Returns:
        what it wrote as text; bytes that are none are surrogates, as in names of files.

    Raises:
        subprocess.TimeoutExpired: it was killed.
    """
    command = [sys.executable, "-m", name, *arguments]
    if sys.platform != "linux":
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors=ERRORS,
            input=stdin.decode(errors=ERRORS),
            timeout=seconds,
            env=dict(variables),
            cwd=ROOT,
            check=False,
        )
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(stdin)
        given.seek(0)
        streams = (given.fileno(), out.fileno(), err.fileno())
        code = _warm().run(command[2:], variables, streams, seconds)
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode(errors=ERRORS))
    if code is None:
        raise subprocess.TimeoutExpired(command, seconds, *said)
    return subprocess.CompletedProcess(command, code, *said)


class Warm:
    """The process that forks, seen from the tests; it ends with them."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            command = tied(sys.executable, "-m", __name__, str(theirs.fileno()))
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                # Threads that a library starts when it is imported do not survive a fork.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                cwd=ROOT,
                pass_fds=(theirs.fileno(),),
            )
        self._socket = ours
        self._lines = ours.makefile("r")
        atexit.register(self.close)

    def run(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        streams: Sequence[int],
        seconds: float,
    ) -> int | None:
        """The exit code of a module, which writes to these; ``None``: it took too long."""
        request = json.dumps({"command": list(command), "variables": dict(variables)})
        self._socket.settimeout(None)
        socket.send_fds(self._socket, [request.encode() + b"\n"], list(streams))
        begun = self._lines.readline()
        assert begun, f"the process that forks commands ended with {self._process.wait(10)}"
        pid = int(begun)
        self._socket.settimeout(seconds)
        try:
            return int(self._lines.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            self.close()
            _warm.cache_clear()
            return None

    def close(self) -> None:
        """End it."""
        atexit.unregister(self.close)
        self._lines.close()
        self._socket.close()
        self._process.wait(10)


_warm = functools.cache(Warm)


def _serve(descriptor: int) -> None:
    """Fork for each request until there are no more."""
    from shared.cli.main import COMMANDS

    for name in (*PRELOADED, *(entry.module for entry in COMMANDS.values())):
        importlib.import_module(name)
    with socket.socket(fileno=descriptor) as requests:
        while True:
            message, streams, _, _ = socket.recv_fds(requests, _REQUEST_BYTES, 3)
            if not message:
                return
            while not message.endswith(b"\n"):
                message += requests.recv(_REQUEST_BYTES)
            pid = os.fork()
            if pid == 0:
                requests.close()
                _command(json.loads(message), streams)
            for each in streams:
                os.close(each)
            with contextlib.suppress(OSError):  # nobody may be left to tell
                requests.sendall(b"%d\n" % pid)
            _, status = os.waitpid(pid, 0)
            with contextlib.suppress(OSError):
                requests.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _command(request: dict[str, Any], streams: Sequence[int]) -> NoReturn:
    """Be the process of one module."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(request["variables"])
        tempfile.tempdir = None  # a variable names it
        sys.argv = request["command"]
        for target, stream in zip((0, 1, 2), streams, strict=True):
            os.dup2(stream, target)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
