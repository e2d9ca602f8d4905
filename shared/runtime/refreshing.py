"""Follow a refresh: from the events of builds to how far each target has come. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
from shared.contracts.event import Event


def wave_of(command_id: str) -> str:
    """The wave of the builds that a command asked for (:mod:`shared.contracts.builds`)."""
    return f"refresh/{command_id}"


@dataclass(slots=True)
class Refresh:
    """What has become of the targets of one refresh command.

    A target has ended when its build succeeded, or failed and is not tried again. Events may come
    twice and of other waves; whatever happens to a target after its end does not matter.
    """

    command_id: str
    targets: Collection[str]
    ended: dict[str, BuildSucceeded | BuildFailed] = field(default_factory=dict)

    def take(self, event: Event) -> BuildStarted | BuildSucceeded | BuildFailed | None:
        """The event again when it tells something of this refresh, otherwise ``None``."""
        if not isinstance(event, BuildStarted | BuildSucceeded | BuildFailed):
            return None
        mine = event.wave == wave_of(self.command_id) and event.target in self.targets
        if not mine or event.target in self.ended:
            return None
        if isinstance(event, BuildSucceeded) or (
            isinstance(event, BuildFailed) and not event.will_retry
        ):
            self.ended[event.target] = event
        return event

    @property
    def waiting(self) -> tuple[str, ...]:
        """Targets that have not ended, in the order of the targets."""
        return tuple(name for name in self.targets if name not in self.ended)

    @property
    def failed(self) -> tuple[BuildFailed, ...]:
        """The failures that are not tried again."""
        return tuple(each for each in self.ended.values() if isinstance(each, BuildFailed))
