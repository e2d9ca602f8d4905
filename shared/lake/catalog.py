"""The way to the catalog, and to a table as it is now."""

from __future__ import annotations

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.io import PY_IO_IMPL
from pyiceberg.table import Table

from shared.contracts.environment import Environment
from shared.lake.file_io import DelayedOpenFileIO
from shared.lake.rest_catalog import ANSWER_SECONDS, CONNECT_SECONDS, BoundedRestCatalog
from shared.runtime.errors import NotFound
from shared.runtime.settings import Settings


def storage_properties(settings: Settings) -> dict[str, str]:
    """FileIO properties (``s3.*``) of the object store."""
    properties = {
        "s3.region": settings.s3_region,
        "s3.connect-timeout": str(CONNECT_SECONDS),
        "s3.request-timeout": str(ANSWER_SECONDS),
    }
    if settings.s3_endpoint:
        properties["s3.endpoint"] = settings.s3_endpoint
    if settings.s3_access_key and settings.s3_secret_key:
        properties["s3.access-key-id"] = settings.s3_access_key
        properties["s3.secret-access-key"] = settings.s3_secret_key.get_secret_value()
    return properties


def object_io(settings: Settings) -> DelayedOpenFileIO:
    """The way to any object of the store, with the settings' own credentials.

    A catalog may give out others with a table, which are good for its files only.
    """
    return DelayedOpenFileIO(storage_properties(settings))


def open_catalog(settings: Settings) -> BoundedRestCatalog:
    """Connect to the REST catalog named by the settings.

    A catalog object is used by one thread at a time; a process may hold several.

    Raises:
        requests.exceptions.RequestException: it does not answer.
        pyiceberg.exceptions.RESTError: it refuses.
    """
    properties = {
        "uri": settings.catalog_uri,
        "warehouse": settings.catalog_warehouse,
        PY_IO_IMPL: f"{DelayedOpenFileIO.__module__}.{DelayedOpenFileIO.__qualname__}",
        **storage_properties(settings),
    }
    if settings.catalog_credential:
        properties["credential"] = settings.catalog_credential.get_secret_value()
        properties["scope"] = "catalog"
        # PyIceberg's own default, said aloud: it warns where it has to guess.
        properties["oauth2-server-uri"] = f"{settings.catalog_uri.rstrip('/')}/v1/oauth/tokens"
    return BoundedRestCatalog("bergline", **properties)


def load(catalog: Catalog, environment: Environment, name: str) -> Table:
    """The table of a logical name at its current head.

    Raises:
        NotFound: the catalog has no such table.
    """
    try:
        table: Table = catalog.load_table(environment.table(name))
    except (NoSuchTableError, NoSuchNamespaceError):
        raise missing(name) from None
    return table


def missing(name: str) -> NotFound:
    """What is said of a table that the catalog does not have."""
    return NotFound(
        f"table {name} does not exist in the catalog",
        "run `bergline bootstrap`, or check BERGLINE_ENV",
    )
