"""Values as people read them in a terminal. Nothing of a payload can steer the terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

NOTHING = "–"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: int | None) -> str:
    """Bytes in binary units: ``1.4 MiB``."""
    if count is None:
        return NOTHING
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def moment(at: datetime | None) -> str:
    """A time in UTC with milliseconds: ``2026-01-02 03:04:05.678Z``."""
    if at is None:
        return NOTHING
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'milliseconds')}Z"


def duration(milliseconds: int | None) -> str:
    """A retention or age: ``7 d``, ``36 h``, ``for ever`` for -1."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 0:
        return "for ever"
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if milliseconds >= length and milliseconds % length == 0:
            return f"{milliseconds // length} {unit}"
    return f"{milliseconds} ms"


def latency(span: timedelta | None) -> str:
    """A span of a trace: ``+182 ms`` or ``+12.4 s``."""
    if span is None:
        return NOTHING
    milliseconds = span / timedelta(milliseconds=1)
    if abs(milliseconds) < 10_000:
        return f"{milliseconds:+.0f} ms"
    return f"{milliseconds / 1000:+.1f} s"


def age(span: timedelta) -> str:
    """How long ago, roughly: ``820 ms``, ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for unit, length, bound in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < bound:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def count(number: int | None) -> str:
    """A number with separators, or a dash."""
    return NOTHING if number is None else f"{number:,}"


def visible(value: object) -> str:
    """Text with control characters written out, so that data cannot steer the terminal."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(value: object) -> str:
    """Data for a cell of :func:`shared.cli.output.table`: visible, and never markup."""
    from rich.markup import escape

    return NOTHING if value is None else escape(visible(value))


def stacked(*parts: Any) -> RenderableType:
    """Several renderables one below the other."""
    from rich.console import Group

    return Group(*parts)
