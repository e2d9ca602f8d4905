"""Many schedules, by one process or by several.

Processes are spawned, and a spawned process does not import a package's ``__main__`` again: so
what they run stands here.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from tests.explore.explorations import EXPLORATIONS
from tests.explore.seeds import quiet
from tests.explore.steps import Verdict

CHUNK = 500
"""Most schedules between two words about progress."""
COLLECTED = 100
"""Schedules between two collections of garbage; the collector by itself looks too often."""
Chunk = tuple[int, float, list[tuple[int, Verdict]], Counter[str]]
"""Schedules run, CPU seconds, the violated seeds, and what all of them reached."""

_for_good = ExitStack()
"""A planted fault stays as long as the process."""


def explore(name: str, seeds: range) -> Chunk:
    """Run the schedules of these seeds of one exploration."""
    chosen = EXPLORATIONS[name]
    began, reached = time.process_time(), Counter[str]()
    violated = []
    for number, seed in enumerate(seeds, start=1):
        verdict = chosen.run(chosen.generate(seed))
        if number % COLLECTED == 0:
            gc.collect()
        reached += verdict.reached
        if verdict.violations:
            violated.append((seed, verdict))
    return len(seeds), time.process_time() - began, violated, reached


def _prepare(name: str, mutant: str | None) -> None:
    quiet()
    if mutant is not None:
        _for_good.enter_context(EXPLORATIONS[name].planted(mutant))
    gc.freeze()
    gc.disable()


def chunks(name: str, first: int, number: int, jobs: int, mutant: str | None) -> Iterator[Chunk]:
    """``number`` schedules of an exploration from seed ``first`` on, by ``jobs`` processes."""
    last, size = first + number, min(CHUNK, max(1, number // (4 * jobs)))
    ranges = [range(n, min(n + size, last)) for n in range(first, last, size)]
    run = partial(explore, name)
    if jobs == 1:
        _prepare(name, mutant)
        yield from map(run, ranges)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, _prepare, (name, mutant)) as pool:
        yield from pool.imap_unordered(run, ranges)
