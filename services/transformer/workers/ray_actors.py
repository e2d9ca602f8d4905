"""What is asked of Ray: to start, to make workers as actors, to end them.

All of it blocks. But for :meth:`RayActors.kill` it is called in one thread (:class:`LocalRay` says
why).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.transformer.config import TransformerSettings
from services.transformer.workers.local_ray import LocalRay
from services.transformer.workers.worker import Worker
from shared.runtime.settings import data_dir


@dataclass(eq=False)
class Actor:
    """A worker: its handle, where its process is, and which table it builds."""

    handle: Any
    host: str = ""
    pid: int = 0
    target: str = ""


class RayActors:
    """Actors on a Ray of our own, or on the cluster that the settings name."""

    def __init__(self, settings: TransformerSettings) -> None:
        self._settings = settings
        directory = settings.transformer_work_dir
        if not directory.is_absolute():
            directory = data_dir().absolute() / directory
        self._local = LocalRay(
            directory / f"ray-{settings.transformer_port}",
            _namespace(settings),
            settings.transformer_workers,
            settings.transformer_ray_object_store_bytes,
        )

    @property
    def logs(self) -> Path:
        """Where a Ray of our own keeps its processes' logs."""
        return self._local.logs

    def begin(self) -> None:
        """Start Ray, or connect to the cluster.

        Raises:
            Exception: whatever Ray raises.
        """
        address = self._settings.ray_address
        if address is None:
            self._local.start()
            return
        import ray

        ray.init(
            address=address,
            namespace=_namespace(self._settings),
            log_to_driver=False,
            configure_logging=False,
        )

    def make(self) -> Actor:
        """Ask for a worker, which takes its time to come."""
        import ray

        # On a Ray of our own there is nobody to share with.
        cpus = 0 if self._settings.ray_address is None else 1
        remote: Any = ray.remote(Worker)
        actor = remote.options(num_cpus=cpus, max_restarts=0, max_concurrency=1)
        return Actor(
            actor.remote(
                self._settings.transformer_worker_threads, self._settings.transformer_worker_nice
            )
        )

    def end(self, actors: list[Actor]) -> None:
        """Kill workers, and end Ray or leave the cluster."""
        for actor in actors:
            self.kill(actor)
        if self._settings.ray_address is None:
            self._local.stop()
            return
        import ray

        with contextlib.suppress(Exception):
            ray.shutdown()

    def remember(self) -> None:
        """Processes that Ray has started since end with this one, if it is a Ray of our own."""
        if self._settings.ray_address is None:
            self._local.remember()

    def kill(self, actor: Actor) -> None:
        """End a worker whatever it does. Called from any thread."""
        import ray

        with contextlib.suppress(Exception):
            ray.kill(actor.handle)


def _namespace(settings: TransformerSettings) -> str:
    return settings.environment.group("transformer")
