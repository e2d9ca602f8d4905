"""What two alerters have learned of the same rhythm, put together. Pure.

Both saw the same arrivals, unless one of them was not there: what it missed makes a gap longer for
it than it was, and never shorter. So of the gaps that ended in one hour the shorter ones are right.
"""

from __future__ import annotations

from datetime import UTC, datetime

from shared.alerting.signals.rhythm import HOUR_S, WEEK_HOURS, Remembered
from shared.contracts.landing import LandingLearned


def both(one: Remembered, other: Remembered) -> Remembered:
    """As much as is known to either."""
    gaps = dict(one.gaps)
    for hour, (shortest, longest) in other.gaps.items():
        known = gaps.get(hour, (shortest, longest))
        gaps[hour] = min(shortest, known[0]), min(longest, known[1])
    last = max((each for each in (one.last, other.last) if each is not None), default=None)
    oldest = 0 if last is None else int(last // HOUR_S) - WEEK_HOURS
    return Remembered(
        first=min((each for each in (one.first, other.first) if each is not None), default=None),
        last=last,
        times=max(one.times, other.times),
        gaps={hour: gap for hour, gap in gaps.items() if hour >= oldest},
    )


def learned(table: str, known: Remembered, now: float) -> LandingLearned | None:
    """What others are to know of a table; ``None``: nothing is known."""
    if known.first is None or known.last is None:
        return None
    return LandingLearned(
        table=table,
        first_at=datetime.fromtimestamp(known.first, UTC),
        last_at=datetime.fromtimestamp(known.last, UTC),
        times=known.times,
        gaps=known.gaps,
        learned_at=datetime.fromtimestamp(now, UTC),
    )


def remembered(event: LandingLearned) -> Remembered:
    """What somebody has learned."""
    return Remembered(
        first=event.first_at.timestamp(),
        last=event.last_at.timestamp(),
        times=event.times,
        gaps=event.gaps,
    )
