"""The way to the catalog, and to a table as it is now."""

from __future__ import annotations

from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.table import Table
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

from shared.contracts.environment import Environment
from shared.lake import metadata_cache
from shared.runtime.errors import NotFound
from shared.runtime.settings import Settings

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
"""Longest wait for one answer. A commit that takes longer has an unknown outcome."""


class _BoundedAdapter(HTTPAdapter):
    """Gives every request a timeout and never repeats one: a repeated commit is a new commit."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        kwargs["timeout"] = kwargs.get("timeout") or (CONNECT_SECONDS, ANSWER_SECONDS)
        return super().send(request, *args, **kwargs)


class BoundedRestCatalog(RestCatalog):
    """PyIceberg's REST catalog, with bounded waits, from the first token on."""

    def _config_headers(self, session: Session) -> None:
        # The first thing done to a new session, before it is used to fetch a token.
        for scheme in ("http://", "https://"):
            session.mount(scheme, _BoundedAdapter())
        super()._config_headers(session)


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


def open_catalog(settings: Settings) -> RestCatalog:
    """Connect to the REST catalog named by the settings.

    A catalog object is used by one thread at a time; a process may hold several.

    Raises:
        requests.exceptions.RequestException: it does not answer.
        pyiceberg.exceptions.RESTError: it refuses.
    """
    metadata_cache.install()
    properties = {
        "uri": settings.catalog_uri,
        "warehouse": settings.catalog_warehouse,
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
        raise NotFound(
            f"table {name} does not exist in the catalog",
            "run `bergline bootstrap`, or check BERGLINE_ENV",
        ) from None
    return table
