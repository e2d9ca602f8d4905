"""The tables of an environment as builds reach them; they live as long as their process.

Connections, handles and manifests stay from build to build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.transformer import tokens
from services.transformer.config import TransformerSettings
from shared.lake.handle import TableHandle
from shared.lake.reader import LakeReader, reachable
from shared.lake.table_state import TableState
from shared.tables.lineage import upstream
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec


def topics(table: str, specs: Mapping[str, TableSpec] = TABLES) -> frozenset[str]:
    """The logical topics that a table comes from, directly or not."""
    names = [table, *upstream(table, specs)]
    return frozenset(topic for name in names for topic in specs[name].topics)


class Tables:
    """Handles of one environment's tables. For one thread.

    Making one also makes the settings' token key that of the process: which tables are up to date
    depends on the key that they were built with.

    Args:
        settings: where catalog and store are, and the key of tokens.
        specs: the declared tables.
        connect: makes the handle of a logical table; by default one to the settings' catalog.
    """

    def __init__(
        self,
        settings: TransformerSettings,
        specs: Mapping[str, TableSpec] = TABLES,
        connect: Callable[[str], TableHandle] | None = None,
    ) -> None:
        if settings.transformer_token_key is not None:
            secret = settings.transformer_token_key.get_secret_value()
            tokens.use(tokens.TokenKey(secret.encode()))
        self.settings = settings
        self.specs = specs
        self._connect = connect or LakeReader(settings).handle
        self._handles: dict[str, TableHandle] = {}

    def topics(self, table: str) -> frozenset[str]:
        """The logical topics that a table comes from, directly or not."""
        return topics(table, self.specs)

    def handle(self, name: str) -> TableHandle:
        """The handle of a logical table, always the same one.

        Raises:
            NotFound: no such table is declared.
            Unavailable: the catalog does not answer.
        """
        if name not in self._handles:
            self._handles[name] = self._connect(name)
        return self._handles[name]

    def state(self, name: str) -> TableState:
        """A table as it is now.

        Raises:
            NotFound: the catalog has no such table.
            Unavailable: catalog or object store do not answer.
        """
        with reachable(self.settings):
            return self.handle(name).reload()

    def renew(self) -> None:
        """Load every table at next use as if for the first time: the credentials that a catalog
        gave out with it may have expired."""
        for handle in self._handles.values():
            handle.renew()
