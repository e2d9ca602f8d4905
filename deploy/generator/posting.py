"""Posting a run: counts what was answered, keeps nothing else, so it may go on for days."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from deploy.generator.poster import Outcome


@dataclass(slots=True)
class Tally:
    """What became of the deliveries posted so far.

    Attributes:
        posted: deliveries with a final answer, or none after all attempts.
        accepted: of them, those answered 2xx.
        events: events in those.
        attempts: posts.
        unanswered: posts without an answer; each may have been accepted.
        unexpected: deliveries that were not answered as they must be.
        example: the first of them, in words.
        topics: accepted deliveries by topic.
    """

    posted: int = 0
    accepted: int = 0
    events: int = 0
    attempts: int = 0
    unanswered: int = 0
    unexpected: int = 0
    example: str = ""
    topics: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        delivery = outcome.delivery
        self.posted += 1
        self.attempts += outcome.attempts
        self.unanswered += outcome.unknown
        if outcome.accepted:
            self.accepted += 1
            self.events += delivery.events
            self.topics[delivery.topic] += 1
        if not outcome.as_expected:
            self.unexpected += 1
            self.example = self.example or (
                f"{delivery.kind.value} {delivery.event_type} to {delivery.path} was answered "
                f"{outcome.status or 'nothing'}, not {delivery.status}"
            )
