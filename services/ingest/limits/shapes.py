"""What a body may look like inside, checked before anything recursive reads it."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

DEPTH = 100
FORM_FIELDS = 1000
FORM_DEPTH = 8
SMALL = 2048
"""Below so many bytes, counting brackets is the quickest."""

_STEPS = bytes.maketrans(b"{[]}", b"\x01\x01\xff\xff")
_NO_MARKS = bytes(set(range(256)) - set(b'"{}[]'))


class Shape(NamedTuple):
    """Bounds of what is in a body.

    Attributes:
        depth: how deep arrays and objects of JSON may nest.
        events: most events of an array.
        form_fields: most fields of a form.
        form_depth: how deep their brackets may nest.
    """

    depth: int = DEPTH
    events: int = 1000
    form_fields: int = FORM_FIELDS
    form_depth: int = FORM_DEPTH


ANY_SHAPE = Shape()
"""The bounds that settings begin with."""


def is_deeper(body: bytes, limit: int) -> bool:
    """Whether JSON nests deeper than ``limit``; without recursion and without a parser.

    Exact for valid JSON. Of anything else it may say either; a parser refuses it anyway.
    """
    if len(body) < SMALL and body.count(b"{") + body.count(b"[") <= limit:
        # Nearly always: not even all of them within each other would be too deep.
        return False
    if b'\\"' in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # What is left: quotation marks, 1 for each bracket that opens, -1 for each that closes.
    marks = body.translate(_STEPS, _NO_MARKS)
    if marks.count(b"\x01") <= limit:
        return False
    marks = marks.replace(b'""', b"")
    if b'"' in marks:
        # Brackets within strings: every other part is outside.
        marks = b"".join(marks.split(b'"')[::2])
    return max(accumulate(memoryview(marks).cast("b")), default=0) > limit
