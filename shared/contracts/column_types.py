"""The types of values: what a payload's declaration and a table's columns have in common."""

from __future__ import annotations

from enum import Enum


class Type(Enum):
    """Column types. Only those that every engine reads (no ``time``, timestamps with zone)."""

    STRING = "string"
    INT = "int"
    LONG = "long"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamptz"
    DATE = "date"
    DECIMAL_18_2 = "decimal(18, 2)"
    DECIMAL_10_2 = "decimal(10, 2)"
    DECIMAL_7_4 = "decimal(7, 4)"
    DECIMAL_7_2 = "decimal(7, 2)"
    DECIMAL_5_4 = "decimal(5, 4)"
    DECIMAL_5_2 = "decimal(5, 2)"
    DECIMAL_3_2 = "decimal(3, 2)"
    DOUBLE = "double"
    """64-bit floating point: for measures of files that hold them. Never a key, never money."""
    JSON = "json"
    """JSON text, stored as string."""
    BINARY = "binary"
    """In a payload base64 in the standard alphabet (RFC 4648, section 4)."""


class TimeFormat(Enum):
    """How a payload writes a timestamp."""

    ISO_8601 = "iso8601"
    """Text with any offset; without one it is no moment."""
    ISO_8601_UTC = "iso8601, UTC where no offset is given"
    """For vendors whose documentation says that times without an offset are UTC."""
    UNIX_SECONDS = "unix seconds"
    UNIX_MILLISECONDS = "unix milliseconds"
    UNIX_MICROSECONDS = "unix microseconds"
