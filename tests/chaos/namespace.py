"""A mount namespace of our own: the small disks of a run are seen by it alone and end with it.

Root enters one at once, others through a user namespace where the kernel allows that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

_INSIDE = "CHAOS_NAMESPACE"


def enter(module: str, arguments: Sequence[str]) -> None:
    """Start ``python -m module`` again inside a namespace; returns where that cannot be, or is."""
    if os.environ.get(_INSIDE) or _why_not():
        return
    os.environ[_INSIDE] = "1"
    command = [*_unshare(), sys.executable, "-m", module, *arguments]
    os.execvp(command[0], command)  # noqa: S606 - becomes the same program again


def reason() -> str | None:
    """Why there is none, in words; ``None`` inside of one."""
    return None if os.environ.get(_INSIDE) else (_why_not() or "not started through main()")


def _unshare() -> list[str]:
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *as_root]


def _why_not() -> str | None:
    if sys.platform != "linux":
        return "full disks need tmpfs, which only Linux has"
    if shutil.which("unshare") is None:
        return "the program `unshare` (util-linux) was not found"
    trial = [*_unshare(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    return f"mounting is not allowed here: {done.stderr.strip()}" if done.returncode else None
