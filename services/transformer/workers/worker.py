"""What runs in a worker's process: settings from its own environment, then build after build.

A worker of a cluster must have the same ``BERGLINE_`` variables as the service, or a data
directory with the same connection file: nothing secret is sent to it.
"""

from __future__ import annotations

import gc
import os
import socket
from dataclasses import dataclass

from services.transformer.request import BuildReport, BuildRequest
from shared.runtime.told_errors import told


@dataclass(frozen=True, slots=True)
class Failed:
    """A build that raised. Sent instead of the exception, which the service might not know."""

    error_type: str
    error: str


class Worker:
    """One worker. Used by one build at a time.

    Args:
        threads: that polars computes with.
        nice: added to the scheduling priority number of the process.
    """

    def __init__(self, threads: int, nice: int) -> None:
        # Read when polars is imported, so before anything that imports it.
        os.environ["POLARS_MAX_THREADS"] = str(threads)
        if nice:
            os.nice(nice)
        from services.transformer.building.builder import Builder
        from services.transformer.config import TransformerSettings
        from shared.runtime import logging

        settings = TransformerSettings.load()
        logging.configure("transformer", settings.log_level, "json")
        self._builder = Builder(settings)
        gc.freeze()  # what was imported stays: to look through it takes 0.1 s

    def place(self) -> tuple[str, int]:
        """Host and pid of the process; answered once it can build."""
        return socket.gethostname(), os.getpid()

    def build(self, target: str, request: BuildRequest) -> BuildReport | Failed:
        """Run one build; a failure is returned."""
        try:
            return self._builder.build(target, request)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of polars is no Exception
            return failed(error)


def failed(error: BaseException) -> Failed:
    """What is told of an error (:mod:`shared.runtime.told_errors`)."""
    return Failed(*told(error))
