"""What fails for long is told, but does not flood the log."""

from __future__ import annotations

from shared.runtime.outage import REMIND_S, Outage


class Told:
    """A log, and the clock that it is read by."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lines: list[tuple[str, str, object]] = []
        self.outage = Outage(self, "not done yet", lambda: self.now, table="raw.orders")

    def warning(self, event: str, **fields: object) -> None:
        assert fields["table"] == "raw.orders"
        self.lines.append(("warning", event, fields["failures"]))

    def info(self, event: str, **fields: object) -> None:
        assert fields["table"] == "raw.orders"
        self.lines.append(("info", event, fields["failures"]))

    def fail(self, seconds: float, every_s: float = 0.5) -> None:
        end = self.now + seconds
        while self.now < end:
            self.outage.failed(OSError("away"))
            self.now += every_s


def test_the_first_failure_is_told_at_once() -> None:
    told = Told()
    told.fail(0.5)
    assert told.lines == [("warning", "not done yet", 1)]


def test_a_lasting_one_is_repeated_rarely() -> None:
    told = Told()
    told.fail(2 * REMIND_S + 1)
    assert told.lines == [("warning", "not done yet", failures) for failures in (1, 61, 121)]


def test_its_end_is_told_once() -> None:
    told = Told()
    told.fail(5)
    told.outage.over()
    told.outage.over()
    assert told.lines[1:] == [("info", "over: not done yet", 10)]


def test_the_next_one_is_told_anew() -> None:
    told = Told()
    told.fail(5)
    told.outage.over()
    told.fail(0.5)
    assert told.lines[2:] == [("warning", "not done yet", 1)]


def test_where_nothing_fails_nothing_is_told() -> None:
    told = Told()
    told.outage.over()
    assert not told.lines
