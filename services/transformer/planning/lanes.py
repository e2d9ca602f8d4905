"""What is wanted and under way of one target. Pure; the planner chooses among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.transformer.planning.wishes import Start, Wish, both
from services.transformer.request import Stage


@dataclass(slots=True)
class Lane:
    """What is wanted of one target in one way: live, or made anew aside."""

    wish: Wish | None = None
    later: Wish | None = None
    running: Start | None = None
    began: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    stage: Stage = Stage.LIVE

    @property
    def to_begin(self) -> bool:
        """Whether a rebuild is wanted of which nothing has been done."""
        return self.wish is not None and self.running is None and self.stage is Stage.REBUILD

    @property
    def days(self) -> bool:
        """Whether some days are to be computed anew, or are being."""
        running = None if self.running is None else self.running.wish
        return any(wish is not None and wish.days is not None for wish in (self.wish, running))

    def due(self, now: float) -> bool:
        """Whether something is wanted and may start as far as this lane is concerned."""
        return self.wish is not None and self.running is None and now >= self.not_before

    def add(self, wish: Wish) -> None:
        """Want that, too."""
        self.wish = both(self.wish, wish)

    def start(self, target: str, now: float) -> Start | None:
        """Take up what is wanted."""
        if self.wish is None:
            return None
        self.began = now
        self.running = Start(target, self.stage, self.wish, self.failures + 1)
        self.wish = None
        return self.running

    def forget(self) -> None:
        """Nothing is wanted any more; what runs may end."""
        self.wish = self.later = None
        self.failures, self.not_before = 0, 0.0
        if self.running is None and self.stage is Stage.PUBLISH:
            self.stage = Stage.REBUILD

    def condition(self, now: float) -> str:
        """``clean``, ``dirty``, ``building`` or ``backing off``."""
        if self.running is not None:
            return "building"
        if now < self.not_before:
            return "backing off"
        return "clean" if self.wish is None else "dirty"


@dataclass(slots=True)
class TargetLanes:
    """Both lanes of a target.

    Attributes:
        built: by input, the snapshot that the last live build has seen.
    """

    live: Lane = field(default_factory=Lane)
    built: Mapping[str, int] = field(default_factory=dict)
    rebuild: Lane = field(default_factory=lambda: Lane(stage=Stage.REBUILD))

    def lane(self, stage: Stage) -> Lane:
        """The one in which builds of that stage run."""
        return self.live if stage is Stage.LIVE else self.rebuild
