"""The one place where a request is refused: it is counted, perhaps told, and answered."""

from __future__ import annotations

from services.ingest import problem
from services.ingest.answer import Answer, refusal
from services.ingest.problem import Refused
from services.ingest.samples import Samples, Seen
from services.ingest.telemetry import Telemetry

_UNTOLD = frozenset({problem.NOT_FOUND, problem.METHOD_NOT_ALLOWED, problem.INTERNAL_ERROR})
"""Counted only: whoever tries all addresses, and what has a line of its own in the log."""


class Refusals:
    """Makes answers of refusals.

    Args:
        telemetry: where they are counted, by source and reason.
        samples: where some of them are told.
    """

    def __init__(self, telemetry: Telemetry, samples: Samples) -> None:
        self._telemetry = telemetry
        self._samples = samples

    def answer(self, refused: Refused, path: str, seen: Seen) -> Answer:
        """The answer to a request that is not let in; ``path`` is named in its text."""
        self._telemetry.refused(refused.problem, seen.source)
        if refused.problem not in _UNTOLD:
            self._samples.refused(refused.problem, refused.detail, seen)
        return refusal(refused, path)

    def later(self, refused: Refused, path: str, source: str) -> Answer:
        """The answer to a delivery that was let in, and could not be used or kept.

        What became of it is told elsewhere: as a dead letter, or by the publisher.
        """
        self._telemetry.refused(refused.problem, source)
        return refusal(refused, path)
