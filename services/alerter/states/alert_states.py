"""Following ``lakehouse.alert-states``: what other alerters and operators said, merged.

The topic may also say less than is known here: it was lost, or an alerter that had been cut off
published an old state late. Whoever owns the rule says it again.

It is read from its beginning, and tells of what was long ago as if it were now. So nothing of it
counts before it was read to its end once: an alert that is over would fire for a moment, and be
told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from services.alerter.journal.journal import Journal
from services.alerter.journal.unpublished import key_of
from services.alerter.states.merging import events, forget, is_meant, merge
from shared.alerting.board import Board
from shared.contracts import envelope
from shared.contracts.alerts import AlertChanged, AlertNotified
from shared.contracts.event import Event
from shared.contracts.landing import LandingLearned
from shared.contracts.registry import WIRE_TYPES

Gist = tuple[int, str] | dict[str, int] | datetime
"""As much of a record as tells whether it says less than is known."""
OnNews = Callable[[Event | None], None]


class AlertStates:
    """What the topic says, record by record, into the journal.

    Args:
        journal: takes what is news.
        on_news: told of each event that was news, after the journal's board has it; of a
            tombstone: ``None``. Must not raise.
        on_learned: told of what alerters have learned, from the beginning on.
    """

    def __init__(
        self,
        journal: Journal,
        on_news: OnNews = lambda _event: None,
        on_learned: Callable[[LandingLearned], object] = lambda _event: None,
    ) -> None:
        self._journal = journal
        self._on_news = on_news
        self._on_learned = on_learned
        self._said: dict[str, Gist] = {}
        self._past: Board | None = Board()
        self._gone: dict[str, datetime] = {}

    def on_record(self, record: Any) -> None:
        """One record of the topic, for :class:`shared.runtime.topic_reader.TopicReader`.

        Raises:
            ValueError: the record is not what its headers say.
        """
        key = record.key.decode()
        if record.value is None:
            self._said.pop(key, None)
            self._forgotten(key, datetime.fromtimestamp(record.timestamp / 1000, UTC))
            return
        model = WIRE_TYPES.get(envelope.read(record.headers).get("ce_type", ""))
        if model is None:
            return  # of a later version
        event = model.decode(record.value)
        self._said[key] = _gist(event)
        if isinstance(event, LandingLearned):
            self._on_learned(event)
        elif self._past is not None:
            merge(self._past, event, own=False)
        elif self._journal.follow(event):
            self._on_news(event)

    def read_to_the_end(self) -> None:
        """What was read so far counts, and each record from now on."""
        past, self._past = self._past, None
        if past is None:
            return
        for key, at in self._gone.items():
            self._forgotten(key, at)
        self._gone.clear()
        for event in events(past):
            if self._journal.follow(event):
                self._on_news(event)

    def _forgotten(self, key: str, at: datetime) -> None:
        if self._past is not None:
            self._gone[key] = at
            if is_meant(self._past, key, at):
                forget(self._past, key)
        elif self._journal.follow_forgotten(key, at):
            self._on_news(None)

    async def say_again(self, rules: Collection[str]) -> int:
        """Publish again what the topic says less of than is known here; how much that was.

        To be called from time to time once the topic was read to its end: of the alerts of these
        rules where the topic has an older state, another one of the same number, or none; of
        silences and acknowledgements where it has none; of notifications also where it says of
        fewer alerts, or less: of two alerters that tell a group, one cut off from the other, the
        later record has what itself knew. Whoever has the rules next owes the ends of what was
        told.
        """
        waiting = {key_of(entry) for entry in self._journal.state.unpublished}
        board = self._journal.board
        missing = [event for event in events(board) if self._says_less(event, rules)]
        missing = [event for event in missing if event.key() not in waiting]
        await self._journal.append(missing)
        return len(missing)

    def _says_less(self, known: Event, rules: Collection[str]) -> bool:
        said = self._said.get(known.key())
        match known:
            case AlertChanged():
                if known.rule not in rules or not isinstance(said, tuple):
                    return known.rule in rules
                return said != _gist(known) and said[0] <= known.transition
            case AlertNotified() if isinstance(said, dict):
                return any(
                    said.get(each, 0) < told.transition for each, told in known.alerts.items()
                )
            case _:
                return said is None


def _gist(event: Event) -> Gist:
    match event:
        case AlertChanged():
            return event.transition, event.state
        case AlertNotified():
            return {each: told.transition for each, told in event.alerts.items()}
        case _:
            return event.event_time()
