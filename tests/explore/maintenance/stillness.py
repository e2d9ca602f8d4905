"""One thread, one clock and one source of chance, so that a seed is always the same schedule."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Self
from unittest.mock import patch

from shared.lake import commit as committing
from tests.explore.maintenance.avro_schemas import remembered


class Clock:
    """Time that passes when a schedule says so; seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        """Now."""
        return self.now


class AtOnce:
    """A pool of threads that has none: what is submitted is done before the call returns."""

    def __init__(self, *_: object) -> None:
        """However many threads are wanted."""

    def submit(self, call: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call it."""
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result shall have it
            future.set_exception(error)
        return future

    def map(self, call: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Any]:
        """Call it with each."""
        return iter([call(*each) for each in zip(*columns, strict=False)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is under way."""


@contextmanager
def still(clock: Clock, chance: random.Random, sleep: Callable[[float], None]) -> Iterator[None]:
    """The lake's code by this clock, without threads, its names and ids from this chance."""
    pools = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("shared.lake.") and hasattr(module, "ThreadPoolExecutor")
    ]
    before = [vars(module)["ThreadPoolExecutor"] for module in pools]
    defaults: dict[str, Any] = committing.commit.__kwdefaults__ or {}
    usual = dict(defaults)
    names = os, random
    try:
        for module in pools:
            vars(module)["ThreadPoolExecutor"] = AtOnce
        defaults.update(clock=clock.time, sleep=sleep)
        with (
            patch.object(time, "time", clock.time),
            patch.object(names[0], "urandom", chance.randbytes),
            patch.object(names[1], "_urandom", chance.randbytes),
            remembered(),
        ):
            yield
    finally:
        defaults.update(usual)
        for module, pool in zip(pools, before, strict=True):
            vars(module)["ThreadPoolExecutor"] = pool
