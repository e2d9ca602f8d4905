"""Where builds run, as the service sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from services.transformer.request import BuildReport, BuildRequest


class BuildError(Exception):
    """Raised for a build that failed.

    Attributes:
        error_type: class of the error.
        error: what was wrong, for humans.
    """

    def __init__(self, error_type: str, error: str) -> None:
        super().__init__(f"{error_type}: {error}")
        self.error_type = error_type
        self.error = error


class WorkerDied(BuildError):
    """Raised when the process that ran a build ended, or was ended, before the build did."""

    def __init__(self, error: str) -> None:
        super().__init__("WorkerDied", error)


class Pool(Protocol):
    """Long-lived workers, each running one build at a time."""

    @property
    def size(self) -> int:
        """Workers that there are now, busy or not."""

    def start(self, changed: Callable[[], None]) -> None:
        """Begin to make the workers, in the background; what fails is tried again.

        ``changed`` is called whenever there is one more.
        """

    async def build(self, target: str, request: BuildRequest) -> BuildReport:
        """Run one build, waiting for the pool and a free worker first.

        A build that is cancelled here may go on in its worker; its commit decides if it counts.

        Raises:
            BuildError: it failed.
            WorkerDied: its process ended; the pool replaces it.
        """

    async def stop(self) -> None:
        """End all workers at once, whatever they do. Nothing of the pool runs afterwards."""

    def status(self) -> dict[str, object]:
        """For ``/info``."""
