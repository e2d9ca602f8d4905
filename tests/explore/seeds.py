"""Seeds that once showed a fault; each is run again by every test run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import structlog

KEPT = Path(__file__).with_name("kept_seeds.txt")


def kept() -> list[int]:
    """The seeds in the file; text after ``#`` says what each of them showed."""
    lines = (line.partition("#")[0].strip() for line in KEPT.read_text("utf-8").splitlines())
    return [int(line) for line in lines if line]


def keep(seeds: Iterable[int]) -> None:
    """Add seeds that are not there yet."""
    new = sorted(set(seeds) - set(kept()))
    if new:
        with KEPT.open("a", encoding="utf-8") as file:
            file.writelines(f"{seed}\n" for seed in new)


def quiet() -> None:
    """Stopped partitions and lost answers are what is wanted here: log none of them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
