"""Delete files below a table's location that nothing names and nobody is about to name.

What a crash, a lost race, an attempt with unknown outcome or a failed deletion leaves behind is in
no metadata, so the store is listed. An object goes only if

- the store got it before the cut-off. Files are named by a commit within minutes of being written,
  and a commit is waited for at most a minute; so the cut-off is an hour ago at least, unless the
  caller knows better;
- it is below this table's location and below no other table's;
- no metadata named it when the sweep began, nor any that was loaded after the object was listed;
- the table is still the same one.

And only where the listing shows what it must (:mod:`shared.lake.maintenance.witnesses`). Where
other tables have their files is asked when something would go: it costs a request for each of them.

The listing is read page by page. Held at once are a batch of candidates and a digest of each file
that the table names.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import structlog

from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.deletion import Deleted, FileDeletion, deletion_of, require_some
from shared.lake.maintenance.digests import place
from shared.lake.maintenance.listing import Listing, StoredObject, listing_of
from shared.lake.maintenance.neighbours import below, places_of_others
from shared.lake.maintenance.reachable import Reachable
from shared.lake.maintenance.witnesses import require_witnesses
from shared.lake.table_state import TableState
from shared.runtime.errors import Refused
from shared.tables.spec import TableSpec

SAMPLES = 20
LEAST_AGE_MS = 24 * 3_600_000
BATCH = 5_000
"""Most candidates held; after each batch the table is loaded once."""

log = structlog.stdlib.get_logger("bergline.lake")


@dataclass(frozen=True, slots=True)
class OrphanReport:
    """What a sweep found and removed, or in a dry run would remove.

    Attributes:
        listed, referenced, too_young, removed: numbers of objects.
        elsewhere: objects that are not this sweep's: of another table, or hidden ones.
        bytes: of the removed ones.
        errors: objects that could not be removed.
        samples: some of the removed ones.
        held_at_most: entries held in memory at once, digests of named files included.
        reason: why it ended early.
    """

    status: Status
    listed: int = 0
    referenced: int = 0
    too_young: int = 0
    elsewhere: int = 0
    removed: int = 0
    bytes: int = 0
    errors: int = 0
    seconds: float = 0.0
    samples: tuple[str, ...] = ()
    held_at_most: int = 0
    reason: str = ""


def remove_orphans(
    handle: TableHandle,
    spec: TableSpec,
    *,
    older_than_ms: int,
    now_ms: int,
    listing: Listing | None = None,
    files: FileDeletion | None = None,
    dry_run: bool = False,
    allow_young: bool = False,
    progress: Callable[[OrphanReport], None] | None = None,
) -> OrphanReport:
    """Remove what the store got before ``older_than_ms`` and the table does not name.

    Args:
        handle: the table.
        spec: its declaration.
        older_than_ms: the cut-off, milliseconds since the epoch by the store's clock.
        now_ms: now.
        listing: lists the store; ``None``: the table's own.
        files: what deletes; ``None``: where the table's FileIO writes.
        dry_run: delete nothing; the report says what would go.
        allow_young: whether the cut-off may be less than a day ago.
        progress: told after each page.

    Raises:
        Refused: the cut-off is less than a day ago and ``allow_young`` is not set; something would
            go while another table has its files where this one has; the listing does not show the
            table's own files, or shows another one's metadata; the store lets nothing be deleted.
        Unavailable: not one file could be deleted.
        OSError: the store does not answer, or a manifest cannot be read.
        NotFound: the catalog has no such table.
    """
    if now_ms - older_than_ms < LEAST_AGE_MS and not allow_young:
        raise Refused(
            f"orphans of {spec.name} younger than a day may belong to a build under way",
            "choose a cut-off that is a day ago or more, or stop every writer and allow it",
        )
    state, io = handle.reload(), handle.load().io
    lists = listing or listing_of(io, state.location)
    sweep = _Sweep(
        handle,
        state,
        Reachable(io),
        None if dry_run else files or deletion_of(io),
        older_than_ms,
    )
    try:
        require_witnesses(lists, io, state)
    except Refused:
        places_of_others(handle, state)  # names the other table if the catalog has it
        raise
    report = sweep.run(lists, progress)
    require_some(spec.name, report.removed, replace(sweep.failed, errors=report.errors))
    log.info("orphans removed", table=spec.name, files=report.removed, errors=report.errors)
    return report


class _OtherTable(Exception):
    """Another table has the name, or the table has another location, by now."""


class _Sweep:
    """One sweep over the location of one table.

    Args:
        files: what deletes; ``None``: nothing is deleted, only counted.

    Attributes:
        failed: the first deletion that failed.
    """

    def __init__(
        self,
        handle: TableHandle,
        state: TableState,
        named: Reachable,
        files: FileDeletion | None,
        older_than_ms: int,
    ) -> None:
        self._handle, self._state, self._named, self._files = handle, state, named, files
        self._older_than_ms = older_than_ms
        self._root = below(state.location)
        self._others: tuple[str, ...] | None = None  # what their places begin with, once asked
        self.failed = Deleted()
        self._batch: list[StoredObject] = []
        self._samples: list[str] = []
        self._counted: Counter[str] = Counter()
        self._held_at_most = 0
        self._started = time.monotonic()

    def run(
        self,
        listing: Listing,
        progress: Callable[[OrphanReport], None] | None,
    ) -> OrphanReport:
        """Sweep all of it."""
        self._named.add(self._state)
        try:
            for page in listing.pages(self._state.location):
                for each in page:
                    self._judge(each)
                if progress is not None:
                    progress(self._report())
            self._flush()
        except _OtherTable as error:
            return self._report(str(error))
        return self._report()

    def _judge(self, each: StoredObject) -> None:
        counted = self._counted
        counted["listed"] += 1
        if not self._own(each):
            counted["elsewhere"] += 1
        elif each.path in self._named:
            counted["referenced"] += 1
        elif each.modified_ms >= self._older_than_ms:
            counted["too_young"] += 1
        else:
            self._batch.append(each)
        if len(self._batch) >= BATCH:
            self._flush()

    def _own(self, each: StoredObject) -> bool:
        at = place(each.path)
        if not at.startswith(self._root) or at.startswith(self._others or ()):
            return False
        inner = at[len(self._root) :].split("/")
        directory = not each.size and "." not in inner[-1]  # a marker that some clients leave
        return not directory and not any(_hidden(part) for part in inner)

    def _flush(self) -> None:
        """Remove the candidates that the metadata of this very moment does not name."""
        if not self._batch:
            return
        state = self._handle.reload()
        if state.table_uuid != self._state.table_uuid:
            raise _OtherTable("another table has its name by now")
        if state.location != self._state.location:
            raise _OtherTable("it has another location by now")
        self._named.add(state)
        self._held_at_most = max(self._held_at_most, len(self._named) + len(self._batch))
        unnamed = [each for each in self._batch if each.path not in self._named]
        if unnamed and self._others is None:
            self._others = places_of_others(self._handle, state)
        found = {each.path: each.size for each in unnamed if self._own(each)}
        gone: Collection[str] = found
        if self._files is not None and found:
            done = self._files.delete(found)
            gone = done.paths
            if done.errors and not self.failed.errors:
                self.failed = done
            self._counted["errors"] += done.errors
        self._counted["referenced"] += len(self._batch) - len(unnamed)
        self._counted["elsewhere"] += len(unnamed) - len(found)
        self._counted["removed"] += len(gone)
        self._counted["bytes"] += sum(found[path] for path in gone)
        self._samples += sorted(gone)[: SAMPLES - len(self._samples)]
        self._batch = []

    def _report(self, ended: str = "") -> OrphanReport:
        status = Status.DRY_RUN if self._files is None else Status.SUCCESS
        return OrphanReport(
            Status.SKIPPED if ended and not self._counted["removed"] else status,
            **self._counted,
            seconds=time.monotonic() - self._started,
            samples=tuple(self._samples),
            held_at_most=self._held_at_most,
            reason=ended,
        )


def _hidden(part: str) -> bool:
    """A name that table libraries skip; a directory of a partition may begin with ``_``, too."""
    return part.startswith(".") or (part.startswith("_") and "=" not in part)
