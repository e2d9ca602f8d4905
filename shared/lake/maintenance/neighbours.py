"""Where the other tables of a catalog keep their files, as far as that is below one table.

A rename leaves a table where it is, so that one made anew under the old name may share its
directory; tables of other environments, of other engines and undeclared ones may be put anywhere.
Hence all tables of all namespaces are asked. Not known this way is what another table names
of this table's files (a snapshot of the table, ``add_files``), and any table of another catalog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import ForbiddenError, NoSuchNamespaceError, NoSuchTableError

from shared.lake.handle import TableHandle
from shared.lake.maintenance.digests import place
from shared.lake.rest_catalog import BoundedRestCatalog
from shared.lake.state_decoding import StateDecoder
from shared.lake.table_state import TableState
from shared.runtime.errors import Refused

DATA_PATH, METADATA_PATH = "write.data.path", "write.metadata.path"
_OLD_DATA_PATHS = ("write.object-storage.path", "write.folder-storage.path")
"""As older versions of Iceberg's libraries call :data:`DATA_PATH`."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a table says that its files are."""

    location: str
    properties: Mapping[str, str]

    @property
    def data(self) -> tuple[str, ...]:
        """Directories of its data files."""
        told = [self.properties.get(key) for key in (DATA_PATH, *_OLD_DATA_PATHS)]
        own = f"{self.location.rstrip('/')}/data"
        return tuple(below(each) for each in told if each) or (below(own),)

    @property
    def metadata(self) -> str:
        """Directory of its metadata."""
        own = f"{self.location.rstrip('/')}/metadata"
        return below(self.properties.get(METADATA_PATH) or own)


def below(location: str) -> str:
    """What the :func:`place` of everything below a location begins with."""
    return place(location).rstrip("/") + "/"


def places_of_others(handle: TableHandle, state: TableState) -> tuple[str, ...]:
    """Directories below the table's location that are other tables', as :func:`below` tells them.

    Args:
        handle: the table; its catalog is asked.
        state: the table as it is.

    Raises:
        Refused: another table has its files where this one has; or what the catalog says of its
            tables is not enough to know.
        OSError, pyiceberg.exceptions.RESTError: the catalog does not answer.
    """
    own = handle.environment.table(handle.name)
    here = _Place(state.location, state.properties)
    root = below(state.location)
    listed = {each for each in (root, here.metadata, *here.data) if each.startswith(root)}
    found: set[str] = set()
    seen = False
    for identifier in _tables(handle.catalog):
        if identifier == own:
            seen = True
            continue
        other = _place_of(handle.catalog, identifier, handle.name)
        if other is None:
            continue
        theirs = {below(other.location), other.metadata, *other.data}
        holds_ours = root.startswith((other.metadata, *other.data))
        if theirs & listed or holds_ours:
            at = root if holds_ours else min(theirs & listed)
            raise Refused(
                f"{'.'.join(identifier)} and {handle.name} both have files at {at}: "
                "what one of them does not name may be the other's",
                f"copy one of them to a location of its own, or drop {'.'.join(identifier)} from "
                "the catalog without its files if it is not needed any more",
            )
        found |= {each for each in theirs if each.startswith(root)}
    if not seen:
        raise Refused(
            f"the catalog does not list {handle.name} among its tables, so it may leave out others",
            "check that the catalog's credential may list all namespaces and tables",
        )
    return tuple(sorted(found))


def _tables(catalog: Catalog) -> Iterator[tuple[str, ...]]:
    """Every table of every namespace."""
    waiting: list[tuple[str, ...]] = [tuple(each) for each in catalog.list_namespaces()]
    known = set(waiting)
    while waiting:
        namespace = waiting.pop()
        try:
            yield from (tuple(each) for each in catalog.list_tables(namespace))
            inner = [tuple(each) for each in catalog.list_namespaces(namespace)]
        except NoSuchNamespaceError:  # dropped a moment ago
            continue
        # A catalog without nested namespaces may answer with all that there are.
        inner = [each for each in inner if each[: len(namespace)] == namespace]
        waiting += [each for each in inner if each not in known]
        known.update(inner)


def _place_of(catalog: Catalog, identifier: Sequence[str], name: str) -> _Place | None:
    """Where a table is; ``None``: it was dropped a moment ago."""
    try:
        if isinstance(catalog, BoundedRestCatalog):
            state = StateDecoder().decode(catalog.get_table(identifier))
            return _Place(state.location, state.properties)
        metadata = catalog.load_table(tuple(identifier)).metadata
        return _Place(metadata.location, metadata.properties)
    except (NoSuchTableError, NoSuchNamespaceError):
        return None
    except (ForbiddenError, msgspec.DecodeError) as error:
        raise Refused(
            f"where {'.'.join(identifier)} keeps its files cannot be read, and so not whether some "
            f"are below {name}: {error}",
            "let the catalog's credential read all tables",
        ) from error
