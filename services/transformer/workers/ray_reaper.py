"""Ends what is left of a Ray session when the process that started it has ended, however.

Run as ``python -I -S ray_reaper.py PID [LINK]``: PID is the process that started Ray, and holds the
other end of standard input; LINK is a symbolic link to remove in the end, with its directory. At
each line that it writes, the processes below it are remembered, and a line is answered; when it
closes, those of them that still run are killed. Ray's agents would stay for minutes otherwise:
after a SIGKILL they try to reach a server that is gone. Linux only; elsewhere Ray has a reaper of
its own.
"""

import os
import signal
import sys
from pathlib import Path

PROC = Path("/proc")


def stat(pid: int) -> "tuple[int, str] | None":
    """(parent, time of start) of a process; ``None`` when it is gone."""
    try:
        # The name in parentheses may hold spaces, so fields are counted from behind it (proc(5)).
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[19]


def below(root: int) -> "dict[int, str]":
    """Every descendant of a process with its time of start, this one left out."""
    found = {int(each.name): stat(int(each.name)) for each in PROC.iterdir() if each.name.isdigit()}
    children: dict[int, list[int]] = {}
    for pid, what in found.items():
        if what is not None:
            children.setdefault(what[0], []).append(pid)
    waiting, seen = [root], {}
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            what = found[pid]
            if what is not None and pid != os.getpid():
                seen[pid] = what[1]
                waiting.append(pid)
    return seen


def main() -> None:
    """Until standard input ends."""
    root, known = int(sys.argv[1]), {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the service, whose end we see ourselves
    for _ in sys.stdin:
        known = below(root)
        try:
            print(len(known), flush=True)  # noqa: T201
        except OSError:
            break
    for pid, started in known.items():
        what = stat(pid)
        if what is not None and what[1] == started:
            os.kill(pid, signal.SIGKILL)
    for link in map(Path, sys.argv[2:]):
        if link.is_symlink():
            link.unlink()
            link.parent.rmdir()


if __name__ == "__main__":
    main()
