"""Follow a refresh: from the events of builds to how far each target has come. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
from shared.contracts.days import Days
from shared.contracts.event import Event


def wave_of(command_id: str) -> str:
    """The wave of the builds that a command asked for (:mod:`shared.contracts.builds`)."""
    return f"refresh/{command_id}"


@dataclass(slots=True)
class Refresh:
    """What has become of the targets of one refresh command.

    A target has ended when a build of it succeeded, or failed and is not tried again. Builds of the
    command's own wave count, and every full build that began after the command was issued, or one
    of at least its days: transformer makes one build of several that are asked for. One that found
    that the table needs a full build has not ended: that follows. Events may come twice; whatever
    happens to a target after its end does not matter.

    Attributes:
        command_id, issued_at: of the command.
        targets: tables that it means.
        days: the days that it is about; ``None``: all of the tables.
        ended: target → how it ended.
    """

    command_id: str
    targets: Collection[str]
    issued_at: datetime
    days: Days | None = None
    ended: dict[str, BuildSucceeded | BuildFailed] = field(default_factory=dict)
    _counting: set[str] = field(default_factory=set)

    def take(self, event: Event) -> BuildStarted | BuildSucceeded | BuildFailed | None:
        """The event again when it tells something of this refresh, otherwise ``None``."""
        if not isinstance(event, BuildStarted | BuildSucceeded | BuildFailed):
            return None
        if event.target not in self.targets or event.target in self.ended:
            return None
        own = event.wave == wave_of(self.command_id)
        if isinstance(event, BuildStarted):
            if event.build_id in self._counting:
                return None
            if own or (event.started_at >= self.issued_at and self._held_by(event)):
                self._counting.add(event.build_id)
                return event
            return None
        if not own and event.build_id not in self._counting:
            return None
        over = not event.will_retry if isinstance(event, BuildFailed) else not event.to_be_rebuilt
        if over:
            self.ended[event.target] = event
        return event

    def _held_by(self, event: BuildStarted) -> bool:
        """Whether a build computes all that the command asks for."""
        if event.full or self.days is None:
            return event.full
        days = Days.between(event.first_day, event.last_day)
        return days is not None and days.holds(self.days)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Targets that have not ended, in the order of the targets."""
        return tuple(name for name in self.targets if name not in self.ended)

    @property
    def failed(self) -> tuple[BuildFailed, ...]:
        """The failures that are not tried again."""
        return tuple(each for each in self.ended.values() if isinstance(each, BuildFailed))
