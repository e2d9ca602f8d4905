"""A set of very many paths in a few bytes each."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from shared.lake.maintenance.digests import SIZE, Digests, digest, place, split


@given(st.sets(st.text(max_size=8)), st.sets(st.text(max_size=8)))
def test_it_holds_what_was_put_in_and_nothing_else(inside: set[str], outside: set[str]) -> None:
    found = Digests()
    for path in [*inside, *inside]:
        found.add(digest(path))
    own = {place(path) for path in inside}
    assert len(found) == len(own)
    assert all(digest(path) in found for path in inside)
    assert not any(digest(path) in found for path in outside if place(path) not in own)


def test_spellings_of_one_place_are_one() -> None:
    assert digest("s3://warehouse/t/a") == digest("s3a://warehouse/t/a")
    assert digest("file:///tmp/a") == digest("file:/tmp/a") == digest("/tmp/a")
    assert digest("s3://warehouse/t/a") != digest("s3://warehouse/t/b")


def test_joined_digests_come_apart() -> None:
    each = [digest(str(n)) for n in range(5)]
    assert list(split(b"".join(each))) == each


def test_it_is_small() -> None:
    found = Digests()
    for number in range(50_000):
        found.add(digest(str(number)))
    held = sum(sys.getsizeof(bucket) for bucket in found._buckets.values())
    per_bucket = sys.getsizeof(bytearray())
    assert held - per_bucket * len(found._buckets) < 2.5 * SIZE * len(found)
