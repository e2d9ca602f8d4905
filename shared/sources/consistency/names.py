"""Which names a source and what it declares may have."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 32
RESERVED = frozenset({"bergline", "dlq", "lakehouse", "raw"})
"""Names that mean something else where a source's name stands."""
THINGS = re.compile(r"[a-z][a-z0-9_]*")
