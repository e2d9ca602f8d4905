"""What a worker that shares out tables is in its group: joined or not, and what is then its own.

Tables are dealt by the partitions of one topic of requests (:mod:`shared.runtime.ownership`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from pydantic import ValidationError
from structlog.stdlib import BoundLogger

from shared.contracts.environment import Environment
from shared.runtime.errors import Refused
from shared.runtime.ownership import owned
from shared.runtime.progress import Partition, Progress

Take = Callable[[Partition, int, bytes], None]
"""Take one record: its logical topic and partition, its offset, its value."""


class GroupMember:
    """The part of a :class:`shared.runtime.faust_group.Member` that is the same everywhere.

    Args:
        environment: naming.
        progress: told what was read.
        log: of the service.
        takers: who takes the records of which logical topic.
        requests: logical topic whose partitions are dealt.
        request_partitions: how many it has.
    """

    def __init__(
        self,
        environment: Environment,
        progress: Progress,
        log: BoundLogger,
        takers: Mapping[str, Take],
        requests: str,
        request_partitions: Callable[[], int],
    ) -> None:
        self._environment = environment
        self._progress = progress
        self._log = log
        self._takers = takers
        self._requests = environment.topic(requests)
        self._request_partitions = request_partitions
        self.joined = False

    def on_record(self, topic: str, partition: int, offset: int, value: bytes) -> None:
        """One record, its topic by the broker's name. Never raises: what raises in a Faust stream
        ends it."""
        where = {"topic": topic, "partition": partition, "offset": offset}
        try:
            logical = self._environment.logical_topic(topic)
            self._progress.read((logical, partition), offset)
            self._takers[logical]((logical, partition), offset, value)
        except Refused as error:
            self._log.warning("not carried out", error=error.what, **where)
        except ValidationError:
            self._log.warning("record not readable", **where)
        except Exception:  # noqa: BLE001 - it is told, and the stream goes on
            self._log.exception("record passed over", **where)

    def not_ready(self) -> str | None:
        """Why the worker is not ready; ``None`` when it is."""
        return None if self.joined else "not yet a member of the consumer group"

    def _dealt(
        self, tables: Iterable[str], partitions: Collection[tuple[str, int]]
    ) -> frozenset[str]:
        """Those tables that are this worker's with these (topic by the broker's name, partition)"""
        mine = {number for topic, number in partitions if topic == self._requests}
        return owned(tables, mine, self._request_partitions())
