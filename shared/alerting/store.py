"""The latest vector of every signal, and samples of those that some rule looks back on."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Hashable, Iterable, Mapping
from types import MappingProxyType

from shared.alerting.series import Labels, Vector

MOST_SAMPLES = 1440
"""Of one series: one every 15 seconds of a window of six hours, as Prometheus would scrape it."""

_NOTHING: Vector = MappingProxyType({})


class Samples:
    """Times and values of one series, oldest first.

    Attributes:
        times: in seconds.
        values: at these times.
        fallen: at each time, the sum of all values from which the series fell so far. A counter
            that falls began again at 0, so this is what its gains are to be mended with.
    """

    __slots__ = ("fallen", "times", "values")

    def __init__(self) -> None:
        self.times = array("d")
        self.values = array("d")
        self.fallen = array("d")

    def append(self, time: float, value: float, spacing: float) -> None:
        """Add a sample; ``spacing`` bounds how many there are.

        When the last sample came sooner than ``spacing`` after the one before, the new one takes
        its place: the newest value is always there, and no two others lie closer together. A clock
        that was set back makes the samples ahead of it be forgotten.
        """
        times = self.times
        while times and times[-1] >= time:
            self._pop()
        if len(times) > 1 and times[-1] - times[-2] < spacing:
            self._pop()
        fallen = 0.0
        if times:
            before, fallen = self.values[-1], self.fallen[-1]
            if value < before:
                fallen += before
        times.append(time)
        self.values.append(value)
        self.fallen.append(fallen)

    def _pop(self) -> None:
        self.times.pop()
        self.values.pop()
        self.fallen.pop()

    def forget(self, horizon: float) -> None:
        """Drop the samples at and before ``horizon``."""
        if self.times and self.times[0] <= horizon:
            gone = bisect_right(self.times, horizon)
            del self.times[:gone]
            del self.values[:gone]
            del self.fallen[:gone]


class SeriesStore:
    """What rules are evaluated on.

    The present of a signal is the vector that was taken last: a series that is not in it is gone at
    once, and taking it costs the same however many series it has. Only signals named to
    :meth:`retain` are sampled as well, for as long as their window and at most ``most_samples`` a
    series. A series that is gone stays in windows until its samples have left them, as in
    Prometheus.
    """

    def __init__(self, most_samples: int = MOST_SAMPLES) -> None:
        self._most = most_samples
        self._present: dict[str, Vector] = {}
        self._held: set[str] = set()
        self._windows: dict[str, float] = {}
        self._samples: dict[str, dict[Labels, Samples]] = {}
        self._sampled: dict[str, tuple[float, float]] = {}
        self._made: dict[Hashable, Vector] = {}
        self._made_at: float | None = None

    def retain(self, windows: Mapping[str, float]) -> None:
        """From now on sample these signals, for so many seconds, and no others.

        Samples there are of a signal that stays are kept.
        """
        self._made_at = None
        before = self._windows
        self._windows = {name: window for name, window in windows.items() if window > 0}
        self._samples = {name: self._samples.get(name, {}) for name in self._windows}
        self._sampled = {
            name: (max(since, last - before[name]), last)
            for name, (since, last) in self._sampled.items()
            if name in self._windows
        }

    def take(
        self, source_names: Collection[str], vectors: Mapping[str, Vector], now: float
    ) -> None:
        """The vectors of one source at ``now``. A signal of it that has none is empty.

        The vectors are kept, not copied: the source makes new ones instead of changing them.
        """
        self._held.difference_update(source_names)
        self._made_at = None
        for name in source_names:
            vector = vectors.get(name, _NOTHING)
            self._present[name] = vector
            if name in self._windows:
                self._sample(name, vector, now)

    def _sample(self, name: str, vector: Vector, now: float) -> None:
        window, series = self._windows[name], self._samples[name]
        since, last = self._sampled.get(name, (now, now))
        self._sampled[name] = (min(since, now) if now - last < window else now, now)
        spacing = window / self._most
        for labels, value in vector.items():
            samples = series.get(labels)
            if samples is None:
                samples = series[labels] = Samples()
            samples.append(now, value, spacing)
        horizon = now - window
        for labels in list(series):
            samples = series[labels]
            samples.forget(horizon)
            if not samples.times:
                del series[labels]

    def hold(self, names: Iterable[str]) -> None:
        """These signals are not known at present. Their vectors and samples stay."""
        self._held.update(names)

    def is_known(self, name: str) -> bool:
        """Whether a vector of the signal was taken, and it is not held."""
        return name in self._present and name not in self._held

    def vector(self, name: str) -> Vector:
        """The present vector; empty before one was taken."""
        return self._present.get(name, _NOTHING)

    def samples(self, name: str) -> Mapping[Labels, Samples]:
        """The samples of a retained signal by series; empty for any other."""
        return self._samples.get(name, {})

    def sampled_since(self, name: str) -> float | None:
        """Since when a retained signal is sampled without a gap as long as its window."""
        sampled = self._sampled.get(name)
        return None if sampled is None else sampled[0]

    def made_at(self, now: float) -> dict[Hashable, Vector]:
        """What was made of windows that end ``now``, for whoever asks for the same again."""
        if self._made_at != now:
            self._made_at = now
            self._made.clear()
        return self._made
