"""UUIDv7: time-ordered identifiers (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import time


def uuid7() -> str:
    """A new UUIDv7 in canonical text form: 48 bits of unix milliseconds, 74 random bits."""
    value = int.from_bytes(os.urandom(10), "big")
    millis = time.time_ns() // 1_000_000
    high = (value >> 68) & 0xFFF
    low = value & 0x3FFF_FFFF_FFFF_FFFF
    number = (millis & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
