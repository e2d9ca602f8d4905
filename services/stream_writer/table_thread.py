"""The thread in which one table's blocking work is done, one call at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


class TableThread:
    """PyIceberg and Arrow block, so every table has a thread: one that waits delays no other."""

    def __init__(self, table: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=table)

    async def run(self, call: Callable[[], _T]) -> _T:
        """The result of ``call`` in the thread; raises what it raises.

        Cancelling stops the waiting, not the call.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def close(self) -> None:
        """Start no further call; does not wait for the one under way."""
        self._executor.shutdown(wait=False, cancel_futures=True)
