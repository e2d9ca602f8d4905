"""What is kept of signals, and for how long."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.series import labels
from shared.alerting.store import Samples, SeriesStore

A, B = labels(table="a"), labels(table="b")


class TestThePresent:
    def test_a_signal_is_known_from_its_first_vector_on(self) -> None:
        store = SeriesStore()
        assert not store.is_known("files")
        store.take(["files"], {}, 0)
        assert store.is_known("files")
        assert store.vector("files") == {}

    def test_a_signal_that_is_held_is_not_known_until_it_is_taken_again(self) -> None:
        store = SeriesStore()
        store.take(["files"], {"files": {A: 1}}, 0)
        store.hold(["files"])
        assert not store.is_known("files")
        assert store.vector("files") == {A: 1}
        store.take(["files"], {"files": {A: 2}}, 1)
        assert store.is_known("files")

    def test_a_series_that_left_its_vector_is_gone_at_once(self) -> None:
        store = SeriesStore()
        store.take(["files"], {"files": {A: 1, B: 2}}, 0)
        store.take(["files"], {"files": {B: 2}}, 1)
        assert store.vector("files") == {B: 2}

    def test_a_vector_that_nobody_looks_back_on_is_taken_as_it_is(self) -> None:
        """Neither copied nor sampled: taking it costs the same however many series it has."""
        store, vector = SeriesStore(), {A: 1.0}
        store.take(["files"], {"files": vector}, 0)
        assert store.vector("files") is vector
        assert store.samples("files") == {}


class TestSamples:
    def test_they_are_kept_for_the_window_that_is_open_on_the_left(self) -> None:
        store = SeriesStore()
        store.retain({"files": 10})
        for now in (0, 5, 10):
            store.take(["files"], {"files": {A: now}}, now)
        assert list(store.samples("files")[A].times) == [5, 10]

    def test_a_series_that_is_gone_stays_until_its_samples_have_left_the_window(self) -> None:
        store = SeriesStore()
        store.retain({"files": 10})
        store.take(["files"], {"files": {A: 1, B: 1}}, 0)
        store.take(["files"], {"files": {B: 1}}, 9)
        assert set(store.samples("files")) == {A, B}
        store.take(["files"], {"files": {B: 1}}, 10)
        assert set(store.samples("files")) == {B}

    def test_other_rules_keep_the_samples_of_signals_that_stay(self) -> None:
        store = SeriesStore()
        store.retain({"files": 10, "rows": 10})
        store.take(["files", "rows"], {"files": {A: 1}, "rows": {A: 1}}, 0)
        store.retain({"files": 20})
        assert list(store.samples("files")[A].values) == [1]
        assert store.samples("rows") == {}

    def test_a_clock_set_back_forgets_what_lies_ahead(self) -> None:
        samples = Samples()
        for time in (0, 10, 20, 15):
            samples.append(time, time, 1)
        assert list(samples.times) == [0, 10, 15]

    def test_falls_are_summed(self) -> None:
        samples = Samples()
        for time, value in enumerate((5, 7, 2, 3, 0, 4)):
            samples.append(time, value, 0.5)
        assert list(samples.fallen) == [0, 0, 7, 7, 10, 10]

    @given(
        steps=st.lists(st.floats(0.001, 30), min_size=1, max_size=200),
        window=st.floats(1, 100),
        most=st.integers(2, 20),
    )
    def test_there_are_never_more_than_asked_for_and_the_newest_is_among_them(
        self, steps: list[float], window: float, most: int
    ) -> None:
        store = SeriesStore(most)
        store.retain({"files": window})
        now = 0.0
        for step in steps:
            now += step
            store.take(["files"], {"files": {A: now}}, now)
            samples = store.samples("files")[A]
            assert len(samples.times) <= most + 2
            assert samples.times[-1] == samples.values[-1] == now
            assert len(samples.times) == len(samples.values) == len(samples.fallen)

    @given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=60))
    def test_falls_are_right_whatever_was_replaced_or_forgotten(
        self, told: list[tuple[int, int]]
    ) -> None:
        samples = Samples()
        for time, each in told:
            samples.append(time, each, 3)
        expected, sums = 0.0, [0.0]
        for before, value in pairwise(samples.values):
            expected += before if value < before else 0.0
            sums.append(expected)
        fallen = list(samples.fallen)
        assert [each - fallen[0] for each in fallen] == sums[: len(fallen)]
