"""Several sequences as one, without a copy of what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload


class Chained(Sequence[Any]):
    """The elements of some sequences, one sequence behind the other."""

    def __init__(self, parts: Sequence[Sequence[Any]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        left = index if index >= 0 else len(self) + index
        for part in self._parts:
            if 0 <= left < len(part):
                return part[left]
            left -= len(part)
        raise IndexError(index)
