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

from tests.explore.mutants import planted
from tests.explore.schedule import Verdict, generate, run
from tests.explore.seeds import quiet

CHUNK = 500
"""Schedules between two words about progress."""
COLLECTED = 100
"""Schedules between two collections of garbage; the collector by itself looks too often."""
Chunk = tuple[float, list[tuple[int, Verdict]], Counter[str]]

_for_good = ExitStack()
"""A planted fault stays as long as the process."""


def explore(seeds: range) -> Chunk:
    """CPU seconds, the violated seeds, and what all of them reached."""
    began, reached = time.process_time(), Counter[str]()
    violated = []
    for number, seed in enumerate(seeds, start=1):
        verdict = run(generate(seed))
        if number % COLLECTED == 0:
            gc.collect()
        reached += verdict.reached
        if verdict.violations:
            violated.append((seed, verdict))
    return time.process_time() - began, violated, reached


def _prepare(mutant: str | None) -> None:
    quiet()
    if mutant is not None:
        _for_good.enter_context(planted(mutant))
    gc.freeze()
    gc.disable()


def chunks(first: int, number: int, jobs: int, mutant: str | None) -> Iterator[Chunk]:
    """``number`` schedules from seed ``first`` on, by ``jobs`` processes, in chunks."""
    last = first + number
    ranges = [range(n, min(n + CHUNK, last)) for n in range(first, last, CHUNK)]
    if jobs == 1:
        _prepare(mutant)
        yield from map(explore, ranges)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, _prepare, (mutant,)) as pool:
        yield from pool.imap_unordered(explore, ranges)
