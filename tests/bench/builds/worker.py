"""The working side of a contestant: one command a line in, one answer a line out.

Nothing but the standard library: a peer's own Python runs this, too. A contestant works in a
process of its own that stays, as actors do, so that its first build and its later ones, with
libraries loaded and caches filled, can be told apart.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

Action = Callable[..., Mapping[str, Any] | None]
"""Arguments of the command → what else to answer."""


def cpu_seconds() -> float:
    """CPU of all threads of this process, and of processes that it started and that ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def peak_bytes() -> int:
    """Largest resident bytes of this program so far.

    ``getrusage`` would count the peak of whoever started it, too: Linux keeps that over ``exec``.
    """
    with open("/proc/self/status") as status:  # noqa: PTH123 - not a file of ours
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def serve(actions: Mapping[str, Action]) -> None:
    """Answer commands until standard input ends.

    A command is ``{"do": name, …arguments}``. The answer has ``cpu`` and ``wall`` seconds of the
    action, ``since_start`` (CPU seconds of the process so far, imports included), ``peak``
    (largest resident bytes so far), and what the action told; or ``error``. What an action prints
    goes to standard error.
    """
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            asked: dict[str, Any] = json.loads(line)
            before, began = cpu_seconds(), time.perf_counter()
            try:
                told = dict(actions[asked.pop("do")](**asked) or {})
            except Exception as error:  # noqa: BLE001 - the other side raises it
                traceback.print_exc()
                told = {"error": f"{type(error).__name__}: {error}"}
            now = cpu_seconds()
            answer = {
                "cpu": now - before,
                "wall": time.perf_counter() - began,
                "since_start": now,
                "peak": peak_bytes(),
            }
            answers.write(json.dumps({**answer, **told}, default=str) + "\n")
            answers.flush()
