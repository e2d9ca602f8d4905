"""What a vendor still remembers: the newest version of objects that may yet change, bounded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from deploy.generator.chance import Chance

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

REMEMBERED = 1_000
"""Objects of a kind that can still change: with it a run of any length has bounded memory."""


class Pool(Generic[Key, Value]):
    """Objects by id; a random one in constant time.

    When it is full, a new object takes the place of a random one, which never changes again.

    Args:
        rng: what draws.
        limit: most objects.
        forget: told the id of an object whose place was taken.
    """

    def __init__(
        self,
        rng: Chance,
        limit: int = REMEMBERED,
        forget: Callable[[Key], object] = lambda _: None,
    ) -> None:
        self._rng = rng
        self._limit = limit
        self._forget = forget
        self._keys: list[Key] = []
        self._places: dict[Key, int] = {}
        self._values: dict[Key, Value] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, key: Key) -> Value:
        return self._values[key]

    def get(self, key: Key) -> Value | None:
        """The object, unless it was forgotten."""
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember an object, or its new version."""
        if key not in self._values:
            if len(self._keys) >= self._limit:
                lost = self._rng.choice(self._keys)
                self.drop(lost)
                self._forget(lost)
            self._places[key] = len(self._keys)
            self._keys.append(key)
        self._values[key] = value

    def change(self, key: Key, value: Value) -> None:
        """The new version of an object that is still remembered; nothing where it is not."""
        if key in self._values:
            self._values[key] = value

    def drop(self, key: Key) -> None:
        """Forget an object."""
        del self._values[key]
        place, last = self._places.pop(key), self._keys.pop()
        if last != key:
            self._keys[place] = last
            self._places[last] = place

    def one(self, suits: Callable[[Value], bool] = lambda _: True) -> Value | None:
        """A random object that suits, or ``None``: looked for from a random place on."""
        for value in self._from_anywhere():
            if suits(value):
                return value
        return None

    def sample(self, most: int) -> list[Value]:
        """At most so many different objects."""
        chosen = self._rng.sample(self._keys, min(most, len(self._keys)))
        return [self._values[key] for key in chosen]

    def _from_anywhere(self) -> Iterator[Value]:
        if not self._keys:
            return
        start = self._rng.randrange(len(self._keys))
        for step in range(len(self._keys)):
            yield self._values[self._keys[(start + step) % len(self._keys)]]
