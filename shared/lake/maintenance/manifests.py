"""Put piled-up manifests together: whoever plans a scan reads every one of them.

Commits merge manifests by themselves (:mod:`shared.lake.manifest_merging`), of data and of delete
files and for each partition spec, once there are ``commit.manifest.min-count-to-merge``. Up to then
they pile up: of each kind and spec up to a hundred, for ever where a table is seldom written or a
spec is an old one, and without end where a table's properties switch merging off. This merges what
there is. It does not sort entries by partition: tables that land by time are written in that order.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from pyiceberg.manifest import ManifestContent, ManifestFile

from shared.contracts.identity import uuid7
from shared.lake.commit import Delta, Head, HistoryPlan, commit
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.housekeeping import housekeeping
from shared.lake.manifest_merging import MergePolicy, bins
from shared.lake.reading.live_files import manifests
from shared.lake.table_state import TableState
from shared.tables.spec import TableSpec


@dataclass(frozen=True, slots=True)
class ManifestsReport:
    """Numbers of manifests of data and of delete files that the head lists, before and after."""

    status: Status
    data_before: int
    deletes_before: int
    data_after: int
    deletes_after: int
    seconds: float = 0.0
    reason: str = ""


def rewrite_manifests(
    handle: TableHandle,
    spec: TableSpec,
    *,
    writer: str,
    thinning: HistoryPlan | None = None,
    dry_run: bool = False,
) -> ManifestsReport:
    """Merge the manifests of the head, of each kind and partition spec, by a ``replace``.

    Raises:
        Unavailable, Refused, NotFound: as :func:`shared.lake.commit.commit`.
        OSError: the store does not answer.
    """
    started = time.monotonic()
    before = handle.reload()
    data, deletes = _listed(handle, before)
    merged_data, merged_deletes = _merged(before, data), _merged(before, deletes)
    report = ManifestsReport(Status.DRY_RUN, len(data), len(deletes), merged_data, merged_deletes)
    if merged_data == len(data) and merged_deletes == len(deletes):
        return replace(
            report, status=Status.SKIPPED, reason=f"{spec.name} has none to put together"
        )
    if dry_run:
        return report

    def decide(head: Head, _: bool) -> Delta | None:
        own = _listed(handle, head.state)
        if all(_merged(head.state, each) == len(each) for each in own):
            return None
        return housekeeping(head, "manifests", merge=True)

    commit(handle, decide, commit_id=uuid7(), writer=writer, thinning=thinning)
    data, deletes = _listed(handle, handle.reload())
    return replace(
        report,
        status=Status.SUCCESS,
        data_after=len(data),
        deletes_after=len(deletes),
        seconds=time.monotonic() - started,
    )


def _listed(
    handle: TableHandle, state: TableState
) -> tuple[list[ManifestFile], list[ManifestFile]]:
    """The manifests of data and of delete files of the head that list anything live."""
    live = [
        each
        for each in manifests(handle.table.io, state.current_snapshot()).values()
        if each.has_added_files() or each.has_existing_files()
    ]
    return (
        [each for each in live if each.content == ManifestContent.DATA],
        [each for each in live if each.content == ManifestContent.DELETES],
    )


def _merged(state: TableState, listed: list[ManifestFile]) -> int:
    """How many are left of these."""
    return len(bins(listed, MergePolicy.of(state.properties).at_once))
