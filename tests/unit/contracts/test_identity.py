"""UUIDv7 as RFC 9562, section 5.7 describes it."""

import time
import uuid
from itertools import pairwise

from shared.contracts.identity import uuid7


def test_version_variant_and_canonical_form() -> None:
    for _ in range(1000):
        text = uuid7()
        parsed = uuid.UUID(text)
        assert str(parsed) == text
        assert parsed.version == 7
        assert parsed.variant == uuid.RFC_4122


def test_the_first_48_bits_are_unix_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    stamped = uuid.UUID(uuid7()).int >> 80
    assert before <= stamped <= time.time_ns() // 1_000_000


def test_ids_of_later_milliseconds_sort_later_as_text() -> None:
    by_millisecond: dict[int, list[str]] = {}
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        made = uuid7()
        by_millisecond.setdefault(uuid.UUID(made).int >> 80, []).append(made)
    moments = sorted(by_millisecond)
    assert len(moments) > 1
    for earlier, later in pairwise(moments):
        assert max(by_millisecond[earlier]) < min(by_millisecond[later])


def test_ids_are_unique_and_every_random_bit_varies() -> None:
    made = [uuid.UUID(uuid7()).int for _ in range(20_000)]
    assert len(set(made)) == len(made)
    ones, zeros = 0, 0
    for number in made:
        ones |= number
        zeros |= ~number
    random_bits = ((1 << 12) - 1) << 64 | (1 << 62) - 1
    assert ones & zeros & random_bits == random_bits
