"""File descriptors: a connection takes one, and the system lends only so many."""

from __future__ import annotations

import importlib
import sys

SPARED = 256
"""For files of the spool, connections to brokers, and the process itself."""


def affordable(connections: int) -> int:
    """How many of ``connections`` there can be; the process's own limit is raised if it may be."""
    if sys.platform == "win32":
        return connections
    resource = importlib.import_module("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = connections + SPARED
    if soft != unlimited and soft < wanted:
        soft = wanted if hard == unlimited else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == unlimited else max(1, min(connections, soft - SPARED))
