"""Put piled-up manifests together: planning a scan reads every one of them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.lake.commit import Thinning
from shared.lake.handle import TableHandle
from shared.lake.maintenance.compaction import Status
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
    thinning: Thinning | None = None,
    dry_run: bool = False,
) -> ManifestsReport:
    """Merge the manifests of the head, of each kind and partition spec, by a ``replace``.

    Raises:
        Unavailable, Refused, NotFound: as :func:`shared.lake.commit.commit`.
    """
    raise NotImplementedError
