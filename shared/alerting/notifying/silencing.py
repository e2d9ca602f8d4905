"""Whether an alert is silenced, and since when it is not any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.alerting.matchers import matches
from shared.contracts.alerts import AlertSilenced


class Silencing:
    """The silences that count at ``now``, in seconds since the epoch."""

    def __init__(self, silences: Iterable[AlertSilenced], now: float) -> None:
        begun = [each for each in silences if each.starts_at.timestamp() <= now]
        self._present = [each for each in begun if each.ends_at.timestamp() > now]
        self._past = [
            each for each in begun if each.starts_at.timestamp() < each.ends_at.timestamp() <= now
        ]

    def until(self, labels: Mapping[str, str]) -> float | None:
        """When the last of the silences ends that match; ``None``: none does."""
        return _latest_end(self._present, labels)

    def ended_at(self, labels: Mapping[str, str]) -> float | None:
        """When the last silence ended that matched; ``None``: none did."""
        return _latest_end(self._past, labels)


def _latest_end(silences: Iterable[AlertSilenced], labels: Mapping[str, str]) -> float | None:
    ends = [each.ends_at.timestamp() for each in silences if matches(each.matchers, labels)]
    return max(ends, default=None)
