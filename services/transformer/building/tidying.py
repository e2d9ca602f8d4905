"""What a build does beside its commit: thinning, folding, sweeping."""

from __future__ import annotations

import structlog

from services.transformer.building.tables import Tables
from services.transformer.building.writing import WRITER
from services.transformer.request import BuildRequest
from shared.lake.commit import Outcome, Thinning
from shared.lake.folding import fold as fold_deletes
from shared.lake.sweeping import Sweeper
from shared.lake.table_state import MAIN
from shared.lake.thinning import ThinningPolicy
from shared.tables.spec import TableSpec

log = structlog.stdlib.get_logger("bergline.transformer")


class Tidying:
    """Keeps tables small where they are built anyway; what cannot be done fails no build."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._sweepers: dict[str, Sweeper] = {}

    def fold(self, spec: TableSpec, request: BuildRequest, ref: str) -> None:
        """Fold deletes where it is due. What was built is committed."""
        handle = self._tables.handle(spec.name)
        try:
            outcome = fold_deletes(
                handle,
                spec,
                commit_id=f"{request.build_id}:fold",
                writer=WRITER,
                ref=ref,
                thinning=thinning(request) if ref == MAIN else None,
            )
        except Exception as error:  # noqa: BLE001 - the next build sees to it
            log.warning("not folded", table=spec.name, error=f"{type(error).__name__}: {error}")
            handle.forget()
            return
        if outcome is not None:
            self.removed(spec.name, outcome)

    def removed(self, name: str, outcome: Outcome) -> None:
        """A commit has taken snapshots away by thinning."""
        sweeper = self._sweepers.setdefault(name, Sweeper())
        sweeper.removed(outcome.state.table_uuid, outcome.removed)

    def sweep(self, name: str) -> None:
        """Delete manifests that thinning made superfluous, when it is safe."""
        sweeper = self._sweepers.get(name)
        if sweeper is None or not sweeper.due():
            return
        handle = self._tables.handle(name)
        try:
            sweeper.sweep(handle.reload(), handle.table.io)
        except Exception as error:  # noqa: BLE001 - what still waits is tried at the next build
            log.warning("not swept", table=name, error=f"{type(error).__name__}: {error}")


def thinning(request: BuildRequest | None) -> Thinning | None:
    """Thinning, if it is known what is announced: it must never outrun the announcements."""
    if request is None or request.announced is None:
        return None
    return Thinning(ThinningPolicy(), request.pinned, request.announced)
