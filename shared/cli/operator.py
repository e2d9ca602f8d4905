"""Who is asking."""

from __future__ import annotations

import getpass
import socket


def actor() -> str:
    """User and machine, for the audit trail: ``ada@laptop``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in the password database, as in some containers
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
