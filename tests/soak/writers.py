"""The processes that write."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.soak import builder, lander
from tests.soak.rows import KEYED, LANDING
from tests.support.tied import tied

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 90.0
"""A commit that is under way is waited for."""

NICE = {"lander": 2, "builder": 5}
"""As what commits so in the platform stands to maintainers: before them, but not by much."""

STREAMS: Mapping[str, str] = {
    lander.STREAM: LANDING.name,
    builder.APPENDS: KEYED.name,
    builder.SWAPS: KEYED.name,
}
"""Stream → the table that it commits to."""


class Writers:
    """``start`` → ``stop`` or ``kill``.

    Args:
        directory: of the soak: platform, ledgers and logs.
        environment: variables of the platform.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory, self._environment = directory, environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all."""
        for name, nice in NICE.items():
            module = f"tests.soak.{name}"
            command = tied(sys.executable, "-m", module, self._directory, nice=nice)
            with (self._directory / f"{name}.log").open("ab") as log:
                self._running[name] = subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=log,
                    cwd=ROOT,
                    env={**os.environ, **self._environment},
                )

    @property
    def pids(self) -> list[int]:
        """Of those that were started."""
        return [each.pid for each in self._running.values()]

    def died(self) -> list[str]:
        """Those that ended by themselves, and their last words."""
        return [
            f"{name} ended with {code}: {self._last_words(name)}"
            for name, each in self._running.items()
            if (code := each.poll()) is not None
        ]

    def stop(self) -> list[str]:
        """End them after the commit that is under way; those that had not ended well."""
        died = self.died()
        for each in self._running.values():
            if each.poll() is None:
                each.terminate()
        for name, each in self._running.items():
            try:
                code = each.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                died.append(f"{name} did not end within {ENDS_WITHIN_S:.0f} s")
                continue
            if code and not any(words.startswith(name) for words in died):
                died.append(f"{name} ended with {code}: {self._last_words(name)}")
        return died

    def kill(self) -> None:
        """End them whatever they do."""
        for each in self._running.values():
            if each.poll() is None:
                each.kill()
            each.wait()
        self._running.clear()

    def _last_words(self, name: str) -> str:
        lines = (self._directory / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
