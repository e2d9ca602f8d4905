"""One table of one catalog connection: remembered, staged on, sent to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchNamespaceError, NoSuchTableError
from pyiceberg.table import CommitTableRequest, Table, TableProperties
from pyiceberg.utils.properties import property_as_bool

from shared.contracts.environment import Environment
from shared.lake.catalog import load, missing
from shared.lake.decisions import Change
from shared.lake.positions import MIRROR_PROPERTY
from shared.lake.provenance import PROVENANCE_PROPERTY
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.lake.staging import Stage, StagedSnapshot
from shared.lake.state_decoding import StateDecoder
from shared.lake.table_state import TableState
from shared.lake.thinning import ThinningPlan

REMEMBERED_S = 10.0
"""How long a state is good for. A send asserts the head of ``main`` alone: that somebody tagged a
snapshot since does not show as a conflict, so thinning must not decide on a state of yesterday."""

log = structlog.stdlib.get_logger("bergline.lake")


class TableHandle:
    """A :class:`shared.lake.commit_target.CommitTarget`; used by one thread at a time.

    A lone writer that does not pause for :data:`REMEMBERED_S` loads its table once: each commit's
    answer is remembered, and so are the schema, the partition specs and the FileIO, as long as no
    answer says that they have changed.
    """

    def __init__(
        self,
        catalog: Catalog,
        environment: Environment,
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.catalog = catalog
        self.environment = environment
        self.name = name
        self._clock = clock
        self._identifier = environment.table(name)
        self._table: Table | None = None
        self._stage: Stage | None = None
        self._state: TableState | None = None
        self._state_at = 0.0
        self._decoder = StateDecoder()

    @property
    def table(self) -> Table:
        """PyIceberg's table, to write files for; its snapshots may be old ones.

        Raises:
            NotFound: the catalog has no such table.
        """
        return self.load() if self._table is None else self._table

    @property
    def remembered(self) -> bool:
        """Whether the state is remembered from before, and so may be stale."""
        age = self._clock() - self._state_at
        return self._state is not None and 0 <= age < REMEMBERED_S

    def load(self) -> Table:
        """PyIceberg's table as it is now, to read from.

        Raises:
            NotFound: the catalog has no such table.
        """
        table = load(self.catalog, self.environment, self.name)
        self._table, self._stage = table, None
        self._state = TableState.of(table.metadata, table.metadata_location)
        self._state_at = self._clock()
        return table

    def state(self) -> TableState:
        """The table as remembered; loaded when it is not.

        Raises:
            NotFound: the catalog has no such table.
        """
        state = self._state if self.remembered else None
        return self.reload() if state is None else state

    def reload(self) -> TableState:
        """The table as it is now.

        Raises:
            NotFound: the catalog has no such table.
        """
        if not isinstance(self.catalog, BoundedRestCatalog):
            table = self.load()
            return TableState.of(table.metadata, table.metadata_location)
        try:
            return self._remember(self._decoder.decode(self.catalog.get_table(self._identifier)))
        except (NoSuchTableError, NoSuchNamespaceError):
            raise missing(self.name) from None

    def forget(self) -> None:
        """Load again at next use."""
        self._state = None

    def renew(self) -> None:
        """Load the library's table at next use, too, and with it the way to the object store.

        Credentials that a catalog gives out with a table expire, and no answer about its state
        brings new ones.
        """
        self._state = self._table = self._stage = None

    def stage_change(
        self, state: TableState, change: Change, history: ThinningPlan
    ) -> StagedSnapshot:
        """Write the manifests of a change on the head of ``state``."""
        if self._stage is None:
            self._stage = Stage(self.table, self._clock)
        try:
            return self._stage.write(state, change, history)
        except OSError:
            self.renew()
            raise

    def send(self, staged: StagedSnapshot) -> TableState:
        """Commit what is staged, once, without the library's retry."""
        before = self._state
        try:
            after = self._remember(self._send(staged.request))
        except CommitFailedException:
            raise
        except Exception:
            self._table = self._stage = None  # its credentials or endpoints may be of yesterday
            raise
        if self._stage is not None:
            self._stage.committed(staged)
        if before is not None:
            self._delete_old_metadata(before, after)
        return after

    def discard(self, staged: StagedSnapshot) -> None:
        """Delete the manifests of an attempt that can never succeed any more."""
        for path in staged.written:
            self._delete(path)

    def _send(self, request: bytes) -> TableState:
        table = self.table
        if isinstance(self.catalog, BoundedRestCatalog):
            return self._decoder.decode(self.catalog.update_table(self._identifier, request))
        asked = CommitTableRequest.model_validate_json(request)
        response = self.catalog.commit_table(table, asked.requirements, asked.updates)
        return TableState.of(response.metadata, response.metadata_location)

    def _remember(self, state: TableState) -> TableState:
        self._state, self._state_at = state, self._clock()
        if self._table is not None and not _written_alike(self._table, state):
            self._table = self._stage = None
        return state

    def _delete_old_metadata(self, before: TableState, after: TableState) -> None:
        """What ``write.metadata.delete-after-commit.enabled`` asks, which catalogs leave to us."""
        names = TableProperties
        if not property_as_bool(
            after.properties,
            names.METADATA_DELETE_AFTER_COMMIT_ENABLED,
            names.METADATA_DELETE_AFTER_COMMIT_ENABLED_DEFAULT,
        ):
            return
        kept = {each.metadata_file for each in after.metadata_log}
        for each in before.metadata_log:
            if each.metadata_file not in kept:
                self._delete(each.metadata_file)

    def _delete(self, path: str) -> None:
        try:
            self.table.io.delete(path)
        except Exception as error:  # noqa: BLE001 - an orphan harms nobody
            log.debug("not deleted", table=self.name, path=path, error=str(error))


def _written_alike(table: Table, state: TableState) -> bool:
    """Whether files for a table of ``state`` are written as for ``table``."""
    metadata = table.metadata
    return (
        str(metadata.table_uuid) == state.table_uuid
        and metadata.location == state.location
        and metadata.format_version == state.format_version
        and metadata.current_schema_id == state.current_schema_id
        and metadata.default_spec_id == state.default_spec_id
        and metadata.specs().keys() == {each.spec_id for each in state.partition_specs}
        and _settings(metadata.properties) == _settings(state.properties)
    )


def _settings(properties: Mapping[str, str]) -> dict[str, str]:
    mirrors = (MIRROR_PROPERTY, PROVENANCE_PROPERTY)
    return {key: value for key, value in properties.items() if key not in mirrors}
