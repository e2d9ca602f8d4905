"""The way to the catalog, and to a table as it is now."""

from __future__ import annotations

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.table import Table

from shared.contracts.environment import Environment
from shared.lake import metadata_cache
from shared.runtime.errors import NotFound
from shared.runtime.settings import Settings


def storage_properties(settings: Settings) -> dict[str, str]:
    """FileIO properties (``s3.*``) of the object store."""
    properties = {"s3.region": settings.s3_region, "s3.connect-timeout": "5"}
    if settings.s3_endpoint:
        properties["s3.endpoint"] = settings.s3_endpoint
        properties["s3.force-virtual-addressing"] = "false"
    if settings.s3_access_key and settings.s3_secret_key:
        properties["s3.access-key-id"] = settings.s3_access_key
        properties["s3.secret-access-key"] = settings.s3_secret_key.get_secret_value()
    return properties


def open_catalog(settings: Settings) -> Catalog:
    """Connect to the REST catalog named by the settings.

    Every process may hold several; a catalog object is used by one thread at a time.

    Raises:
        requests.exceptions.RequestException: it does not answer.
        pyiceberg.exceptions.RESTError: it refuses.
    """
    metadata_cache.install()
    properties = {
        "type": "rest",
        "uri": settings.catalog_uri,
        "warehouse": settings.catalog_warehouse,
        **storage_properties(settings),
    }
    if settings.catalog_credential:
        properties["credential"] = settings.catalog_credential.get_secret_value()
        properties["scope"] = "catalog"
    return load_catalog("bergline", **properties)


def load(catalog: Catalog, environment: Environment, name: str) -> Table:
    """The table of a logical name at its current head.

    Raises:
        NotFound: the catalog has no such table.
    """
    try:
        return catalog.load_table(environment.table(name))
    except (NoSuchTableError, NoSuchNamespaceError):
        raise NotFound(
            f"table {name} does not exist in the catalog",
            "run `bergline bootstrap`, or check BERGLINE_ENV",
        ) from None
