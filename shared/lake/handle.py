"""One table of one catalog connection: remembered, staged on, sent to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from pyiceberg.catalog import Catalog
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from shared.contracts.environment import Environment
from shared.lake.catalog import load
from shared.lake.positions import Positions
from shared.lake.staging import StagedSnapshot, stage_append
from shared.lake.table_state import TableState
from shared.lake.thinning import ThinningPlan

log = structlog.stdlib.get_logger("bergline.lake")


class TableHandle:
    """A :class:`shared.lake.commit_target.CommitTarget`; used by one thread at a time.

    A lone writer need not load its table for every commit: each commit's answer is remembered.
    """

    def __init__(self, catalog: Catalog, environment: Environment, name: str) -> None:
        self.catalog = catalog
        self.environment = environment
        self.name = name
        self._table: Table | None = None
        self._state: TableState | None = None

    @property
    def table(self) -> Table:
        """The table as last seen; loaded at first use.

        Raises:
            NotFound: the catalog has no such table.
        """
        if self._table is None:
            self._table = load(self.catalog, self.environment, self.name)
            self._state = TableState.of(self._table.metadata, self._table.metadata_location)
        return self._table

    @property
    def remembered(self) -> bool:
        """Whether the state is remembered from before, and so may be stale."""
        return self._state is not None

    def state(self) -> TableState:
        """The table as remembered; loaded when it is not.

        Raises:
            NotFound: the catalog has no such table.
        """
        return self.reload() if self._state is None else self._state

    def reload(self) -> TableState:
        """The table as it is now.

        Raises:
            NotFound: the catalog has no such table.
        """
        self.forget()
        table = self.table
        return self._state or TableState.of(table.metadata, table.metadata_location)

    def forget(self) -> None:
        """Load again at next use."""
        self._table = self._state = None

    def stage(
        self,
        state: TableState,
        files: Sequence[DataFile],
        summary: Mapping[str, str],
        positions: Positions,
        history: ThinningPlan,
    ) -> StagedSnapshot:
        """Write the manifests of an append on the head of ``state``."""
        return stage_append(self.table, state, files, summary, positions, history)

    def send(self, staged: StagedSnapshot) -> TableState:
        """Commit what is staged, once, without the library's retry."""
        table = self.table
        old = table.metadata
        response = self.catalog.commit_table(table, staged.requirements, staged.updates)
        table.metadata = response.metadata
        table.metadata_location = response.metadata_location
        self._state = TableState.of(response.metadata, response.metadata_location)
        try:
            # Catalogs leave write.metadata.delete-after-commit.enabled to their clients.
            self.catalog._delete_old_metadata(table.io, old, response.metadata)
        except Exception as error:  # noqa: BLE001 - an orphan metadata file harms nobody
            log.debug("old metadata not deleted", table=self.name, error=str(error))
        return self._state

    def discard(self, staged: StagedSnapshot) -> None:
        """Delete the manifests of an attempt that can never succeed any more."""
        staged.discard()
