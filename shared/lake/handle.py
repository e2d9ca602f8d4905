"""A table as this process last saw it, so that a lone writer need not load it for every commit."""

from __future__ import annotations

from pyiceberg.catalog import Catalog
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.metadata import TableMetadata

from shared.contracts.environment import Environment
from shared.lake.catalog import load


class TableHandle:
    """One table of one catalog connection; used by one thread at a time.

    The cached metadata may be stale. That is safe: a commit asserts the head that it was
    prepared on, so staleness shows as a conflict, never as a wrong commit.
    """

    def __init__(self, catalog: Catalog, environment: Environment, name: str) -> None:
        self.catalog = catalog
        self.environment = environment
        self.name = name
        self._table: Table | None = None

    @property
    def table(self) -> Table:
        """The table as last seen; loaded at first use.

        Raises:
            NotFound: the catalog has no such table.
        """
        return self._table if self._table is not None else self.reload()

    @property
    def loaded(self) -> bool:
        """Whether the table is remembered from before, and so may have changed since."""
        return self._table is not None

    @property
    def metadata(self) -> TableMetadata:
        """Metadata as last seen."""
        return self.table.metadata

    def reload(self) -> Table:
        """The table as it is now.

        Raises:
            NotFound: the catalog has no such table.
        """
        self._table = load(self.catalog, self.environment, self.name)
        return self._table

    def forget(self) -> None:
        """Load again at next use."""
        self._table = None

    def accept(self, response: CommitTableResponse) -> None:
        """Take over the metadata that a commit answered with."""
        table = self.table
        table.metadata = response.metadata
        table.metadata_location = response.metadata_location
