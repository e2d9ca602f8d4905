from __future__ import annotations

from shared.lake.reading.bounded_cache import BoundedCache


def test_a_value_is_made_once() -> None:
    cache: BoundedCache[str] = BoundedCache(10, len)
    made: list[str] = []

    def read() -> str:
        made.append("read")
        return "four"

    assert [cache.get("path", read), cache.get("path", read)] == ["four", "four"]
    assert made == ["read"]


def test_what_was_used_last_stays_within_the_bound() -> None:
    cache: BoundedCache[str] = BoundedCache(10, len)
    for path in ("a", "b"):
        cache.get(path, lambda: "four")
    cache.peek("a")
    cache.get("c", lambda: "four")
    assert [cache.peek(path) for path in "abc"] == ["four", None, "four"]
    assert cache.weighs == 8


def test_what_is_too_heavy_is_handed_out_and_not_kept() -> None:
    cache: BoundedCache[str] = BoundedCache(10, len)
    assert cache.get("path", lambda: "far too long") == "far too long"
    assert cache.peek("path") is None
    assert cache.weighs == 0


def test_what_weighs_nothing_is_bounded_too() -> None:
    cache: BoundedCache[str] = BoundedCache(10, len)
    for number in range(100):
        cache.get(str(number), lambda: "")
    assert cache.weighs == 10
