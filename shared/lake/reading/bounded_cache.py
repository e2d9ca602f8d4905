"""What was read of files that never change, remembered within a bound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Values by path, those used last; for any thread.

    ``limit`` bounds the sum of what ``weight`` says of each value. A value heavier than that is
    not kept. Two threads that miss at once both read; the values are equal.
    """

    def __init__(self, limit: int, weight: Callable[[Value], int]) -> None:
        self._limit, self._weight = limit, weight
        self._kept: OrderedDict[str, tuple[Value, int]] = OrderedDict()
        self._weighs = 0
        self._lock = threading.Lock()

    @property
    def weighs(self) -> int:
        """What is kept weighs so much in all."""
        return self._weighs

    def peek(self, path: str) -> Value | None:
        """The value of a path, if it is kept."""
        with self._lock:
            found = self._kept.get(path)
            if found is None:
                return None
            self._kept.move_to_end(path)
            return found[0]

    def get(self, path: str, read: Callable[[], Value]) -> Value:
        """The value of a path; ``read`` makes it when it is not kept."""
        found = self.peek(path)
        if found is not None:
            return found
        value = read()
        self._keep(path, value)
        return value

    def _keep(self, path: str, value: Value) -> None:
        weight = max(1, self._weight(value))
        if weight > self._limit:
            return
        with self._lock:
            if path in self._kept:
                return
            self._kept[path] = (value, weight)
            self._weighs += weight
            while self._weighs > self._limit:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._weighs -= dropped
