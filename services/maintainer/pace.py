"""How often tables are looked at and tidied up, and how failures are repeated. Pure."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_LOOK_S = 20.0
"""Pause between two looks at a table that commits ask for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds.

    Attributes:
        look_s: every table is looked at after so long at the latest.
        look_files: sooner, when so many data files have come since.
        expire_s, orphans_s: how often snapshots are expired, and orphans looked for.
        quality_s: how often the entity index is checked.
        attempts: failures after which a command is over.
        first_s, longest_s: pause after the first failure, which doubles with each further one.
    """

    look_s: float = 300.0
    look_files: int = 50
    expire_s: float = 3600.0
    orphans_s: float = 86_400.0
    quality_s: float = 86_400.0
    attempts: int = 3
    first_s: float = 2.0
    longest_s: float = 1800.0

    @property
    def longest_timer_s(self) -> float:
        """So long ago may be the last run that a timer counts from."""
        return max(self.expire_s, self.orphans_s, self.quality_s)

    def pause(self, failures: int) -> float:
        """Seconds until the next attempt after so many failures in a row."""
        return float(min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 40)))

    def look_due(self, since_s: float, files: int) -> bool:
        """Whether a table is to be looked at that was looked at ``since_s`` ago, and has got so
        many data files since."""
        early = files >= self.look_files and since_s >= min(LEAST_LOOK_S, self.look_s)
        return early or since_s >= self.look_s
