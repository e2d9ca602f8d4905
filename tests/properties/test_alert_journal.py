"""The journal against a model, with crashes that cut what was not said to be durable.

The model is a list of everything that was done. Of a crash it knows only which lines of the file
outlived it: all that were waited for, and as many of the later ones as are left whole.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.alerter.journal.file import JOURNAL
from services.alerter.journal.journal import Journal
from services.alerter.journal.lines import Kept
from shared.contracts.alerts import AlertChanged, AlertNotified, NotifiedAlert
from shared.contracts.event import Event
from tests.support.notifications import BEGAN, alert

TABLES = ("a", "b", "c")
COMPACT_BYTES = 6000


@dataclass
class Model:
    """Where everything stands, in the plainest way."""

    alerts: dict[str, tuple[int, bool]] = field(default_factory=dict)
    """Transition by table, and whether the condition is said to be false."""
    told: dict[str, dict[str, int]] = field(default_factory=dict)
    unpublished: list[str] = field(default_factory=list)

    def append(self, event: Event) -> None:
        if isinstance(event, AlertChanged):
            kept = event.false_since is not None
            self.alerts[event.labels["table"]] = (event.transition, kept)
            if kept:
                return
        else:
            self._take(event)
            # Of what is no change of an alert, the last word is enough.
            prefix = f"{event.key()}|"
            self.unpublished = [each for each in self.unpublished if not each.startswith(prefix)]
        self.unpublished.append(f"{event.key()}|{event.event_id()}")

    def follow(self, event: Event) -> None:
        if not isinstance(event, AlertChanged):
            self._take(event)
        elif event.transition > self.alerts.get(event.labels["table"], (0, False))[0]:
            self.alerts[event.labels["table"]] = (event.transition, False)

    def published(self, ids: set[str]) -> None:
        self.unpublished = [each for each in self.unpublished if each not in ids]

    def _take(self, event: Event) -> None:
        assert isinstance(event, AlertNotified)
        known = self.told.setdefault(event.receiver, {})
        for table, one in event.alerts.items():
            known[table] = max(one.transition, known.get(table, 0))


T = TypeVar("T")
Step = Callable[[Model], None]


def seen(journal: Journal) -> Model:
    """What the journal says, in the terms of the model."""
    board = journal.board
    return Model(
        {
            each.labels["table"]: (each.transition, each.false_since is not None)
            for each in board.alerts.values()
        },
        {
            each.receiver: {table: one.transition for table, one in each.alerts.items()}
            for each in board.notified.values()
        },
        [
            f"{each.event.key()}|{each.event.event_id()}"
            for each in journal.state.unpublished
            if isinstance(each, Kept)
        ],
    )


class Journaling(RuleBasedStateMachine):
    """One journal after the other in the same directory."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp())
        self.seconds = 0
        self.durable: list[Step] = []
        """Done, and certain to outlive a crash."""
        self.loose: list[Step] = []
        """Done after that, a line each, and not certain."""
        self.durable_size = 0
        self.file_number = 0
        self.open()

    def open(self) -> None:
        self.journal = self.within(lambda: Journal(self.directory, compact_bytes=COMPACT_BYTES))
        assert not self.journal.failing
        self.note_durable()

    def within(self, call: Callable[[], T]) -> T:
        """Call on the event loop."""

        async def called() -> T:
            return call()

        return self.loop.run_until_complete(called())

    def note_durable(self) -> None:
        self.durable += self.loose
        self.loose = []
        found = (self.directory / JOURNAL).stat()
        self.durable_size, self.file_number = found.st_size, found.st_ino

    def after(self, step: Step, *, waited: bool) -> None:
        """The journal did this; a journal made anew is durable as a whole."""
        self.loop.run_until_complete(self.journal.idle())
        self.loose.append(step)
        if waited or (self.directory / JOURNAL).stat().st_ino != self.file_number:
            self.note_durable()

    def expected(self, steps: list[Step]) -> Model:
        model = Model()
        for each in steps:
            each(model)
        return model

    def held(self, table: str) -> int:
        return self.expected([*self.durable, *self.loose]).alerts.get(table, (1, False))[0]

    @rule(table=st.sampled_from(TABLES))
    def change(self, table: str) -> None:
        event = alert(table=table, transition=self.held(table) + 1)
        self.loop.run_until_complete(self.journal.append([event]))
        self.after(lambda model: model.append(event), waited=True)

    @rule(table=st.sampled_from(TABLES))
    def touch(self, table: str) -> None:
        event = alert(table=table, transition=self.held(table)).model_copy(
            update={"false_since": BEGAN}
        )
        if table in self.expected([*self.durable, *self.loose]).alerts:
            self.loop.run_until_complete(self.journal.append([event], publish=False))
            self.after(lambda model: model.append(event), waited=True)

    @rule(table=st.sampled_from(TABLES), transition=st.integers(2, 9))
    def follow(self, table: str, transition: int) -> None:
        event = alert(table=table, transition=transition)
        if self.within(lambda: self.journal.follow(event)):
            self.after(lambda model: model.follow(event), waited=False)

    @rule(receiver=st.sampled_from(["x", "y"]), table=st.sampled_from(TABLES), own=st.booleans())
    def notify(self, receiver: str, table: str, own: bool) -> None:
        self.seconds += 1
        event = AlertNotified(
            receiver=receiver,
            group="",
            idempotency_key="k",
            alerts={table: NotifiedAlert(transition=self.held(table), state="firing")},
            notified_at=datetime.fromtimestamp(BEGAN.timestamp() + self.seconds, UTC),
        )
        if own:
            self.loop.run_until_complete(self.journal.append([event]))
            self.after(lambda model: model.append(event), waited=True)
        elif self.within(lambda: self.journal.follow(event)):
            self.after(lambda model: model.follow(event), waited=False)

    @rule(most=st.integers(1, 3))
    def publish(self, most: int) -> None:
        entries = self.journal.state.unpublished.first(most)
        if not entries:
            return
        ids = {f"{each.event.key()}|{each.event.event_id()}" for each in entries}  # type: ignore[union-attr]
        self.within(lambda: self.journal.published([each.number for each in entries]))
        self.after(lambda model: model.published(ids), waited=False)

    @rule()
    def end(self) -> None:
        self.loop.run_until_complete(self.journal.close())
        self.open()

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """What was written after the last durable line is left in part, or not at all."""
        path = self.directory / JOURNAL
        whole = path.read_bytes()
        self.loop.run_until_complete(self.journal.close())
        left = data.draw(st.integers(self.durable_size, len(whole)), label="bytes left")
        path.write_bytes(whole[:left])
        lines = whole[self.durable_size : left].count(b"\n")
        self.loose = self.loose[:lines]
        self.open()

    @invariant()
    def it_says_what_was_done(self) -> None:
        assert seen(self.journal) == self.expected([*self.durable, *self.loose])

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.loop.run_until_complete(self.journal.close())
            self.loop.close()
            shutil.rmtree(self.directory)


TestJournaling = Journaling.TestCase
TestJournaling.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
