"""UUIDv7: time-ordered identifiers (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import time

_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""Any hexadecimal digit → one whose upper two bits are the variant of RFC 9562, ``10``."""


def uuid7() -> str:
    """A new UUIDv7 in canonical text form: 48 bits of unix milliseconds, 74 random bits."""
    time_ = f"{time.time_ns() // 1_000_000:012x}"
    random = os.urandom(10).hex()
    variant = _VARIANT[random[3]]
    return f"{time_[:8]}-{time_[8:]}-7{random[:3]}-{variant}{random[4:7]}-{random[7:19]}"
