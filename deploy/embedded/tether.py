"""Ties a program to the life of its parent, then becomes that program.

Run as a script: ``python -I tether.py PARENT_PID NICE PROGRAM ARGUMENT…``. On Linux the kernel
kills the process when its parent dies; elsewhere only the priority is set. A script in between,
because code that runs between fork and exec is not safe in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Never returns: the process becomes the program."""
    parent, nice, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    if nice:
        os.nice(nice)
    os.execvp(program[0], program)  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    main()
