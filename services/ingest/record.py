"""One record on its way to the broker, and to the spool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from services.ingest.admission import Hold
from shared.contracts.envelope import Headers
from shared.runtime import logging
from shared.runtime.errors import Unavailable

log = logging.logger("ingest")


class Spooled(Protocol):
    """A record's entry in the spool, where it may wait although the broker has it."""

    def delivered(self) -> None:
        """The broker has it after all."""


class Record:
    """One record on its way.

    Args:
        topic: logical topic.
        source: whose delivery it is.
        key, value: as on the topic.
        headers: makes the Kafka headers; called once, when the batch is built, or the spool's
            entry if that comes first.
        hold: given back when the producer lets go of the record, or the spool has it.
        settled: called once, with ``None`` when the broker or the spool has the record, else with
            the reason.
    """

    __slots__ = (
        "_hold",
        "_settled",
        "copy",
        "headers",
        "is_under_way",
        "key",
        "source",
        "topic",
        "value",
    )

    def __init__(
        self,
        topic: str,
        source: str,
        key: bytes,
        value: bytes,
        headers: Callable[[], Headers],
        hold: Hold,
        settled: Callable[[Unavailable | None], None],
    ) -> None:
        self.topic = topic
        self.source = source
        self.key = key
        self.value = value
        self.headers: Callable[[], Headers] | None = headers
        self.copy: Spooled | None = None
        self.is_under_way = False
        """Withdrawn from a batch that was handed over: the broker may get it all the same."""
        self._hold: Hold | None = hold
        self._settled: Callable[[Unavailable | None], None] | None = settled

    @property
    def is_settled(self) -> bool:
        """Whether the sender has an answer."""
        return self._settled is None

    def made_headers(self) -> Headers:
        """Its headers.

        Raises:
            Unavailable: they cannot be made, now or ever; only a fault in a source's reader does
                that.
        """
        if self.headers is None:
            raise RuntimeError("a settled record has no headers")
        try:
            return self.headers()
        except Exception as error:
            log.exception("the headers of a record cannot be made", topic=self.topic)
            raise Unavailable(
                f"the headers of the record cannot be made ({type(error).__name__})"
            ) from error

    def settle(self, error: Unavailable | None) -> None:
        """Tell once what became of the record, and let go of all that it holds."""
        settled = self._settled
        if settled is None:
            return
        self._settled = self.headers = None
        self.value = b""
        try:
            settled(error)
        except Exception:
            # The other records of the batch are still to be told.
            log.exception("an answer could not be given")

    def release(self) -> None:
        """Give its room back, at the first call."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.give_back()
