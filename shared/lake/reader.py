"""The reading side of the catalog: tables by logical name, with failures as errors for humans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import RESTError
from pyiceberg.table import Table

from shared.lake.catalog import load, open_catalog
from shared.lake.handle import TableHandle
from shared.runtime.errors import NotFound, Unavailable
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec


def table_spec(name: str) -> TableSpec:
    """The declaration of a logical table.

    Raises:
        NotFound: none is declared under that name.
    """
    try:
        return TABLES[name]
    except KeyError:
        raise NotFound(
            f"no table is named {name!r}", f"tables are: {', '.join(sorted(TABLES))}"
        ) from None


@contextmanager
def reachable(settings: Settings) -> Iterator[None]:
    """Turn what PyIceberg raises when catalog or store are away into :class:`Unavailable`."""
    try:
        yield
    except (RESTError, OSError) as error:  # requests' exceptions are OSErrors
        raise Unavailable(
            f"the catalog at {settings.catalog_uri} or the object store does not answer: "
            f"{type(error).__name__}: {error}",
            "check that they run (`bergline status`), BERGLINE_CATALOG_URI and the credentials",
        ) from error


class LakeReader:
    """Loads tables of one environment; the catalog is connected at first use. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._catalog: RestCatalog | None = None

    @property
    def catalog(self) -> RestCatalog:
        """The catalog connection.

        Raises:
            Unavailable: it does not answer.
        """
        if self._catalog is None:
            with reachable(self.settings):
                self._catalog = open_catalog(self.settings)
        return self._catalog

    def handle(self, name: str) -> TableHandle:
        """A handle to commit with; nothing is loaded yet.

        Raises:
            NotFound: no such table is declared.
            Unavailable: the catalog does not answer.
        """
        return TableHandle(self.catalog, self.settings.environment, table_spec(name).name)

    def table(self, name: str) -> Table:
        """A table as it is now.

        Raises:
            NotFound: no such table is declared, or the catalog has none.
            Unavailable: the catalog does not answer.
        """
        spec, catalog = table_spec(name), self.catalog
        with reachable(self.settings):
            return load(catalog, self.settings.environment, spec.name)

    def tables(self, names: Iterable[str]) -> dict[str, Table | None]:
        """Several tables, ``None`` for those that the catalog does not have.

        Raises:
            NotFound: a name is not declared.
            Unavailable: the catalog does not answer.
        """
        found: dict[str, Table | None] = {}
        for name in names:
            spec, catalog = table_spec(name), self.catalog
            try:
                with reachable(self.settings):
                    found[name] = load(catalog, self.settings.environment, spec.name)
            except NotFound:
                found[name] = None
        return found
