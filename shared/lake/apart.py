"""Long calls into a library in a thread of their own, so that Ctrl-C is heard meanwhile.

Python delivers a signal to the main thread only between its own instructions: inside of a long
native call it would be heard when the call has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self, TypeVar

_T = TypeVar("_T")


class Apart:
    """Runs one call at a time; whatever ends the waiting for it also ends the call.

    Args:
        interrupt: makes the call under way end soon; called from another thread than the call.
    """

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="apart")

    def run(self, call: Callable[[], _T]) -> _T:
        """The result of ``call``; raises what it raises."""
        future = self._thread.submit(call)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                self._interrupt()
                wait([future])
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown()
