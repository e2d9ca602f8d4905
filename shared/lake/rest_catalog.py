"""PyIceberg's REST catalog with bounded waits, and with answers about tables as they came.

PyIceberg makes a model of every snapshot in an answer, which is what a commit to a long history
mostly costs. :meth:`BoundedRestCatalog.get_table` and :meth:`BoundedRestCatalog.update_table` are
its ``load_table`` and ``commit_table`` over its own session, signing and tokens included, without
the models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pyiceberg.catalog.rest import Capability, Endpoints, RestCatalog
from pyiceberg.catalog.rest.response import _handle_non_200_response
from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchTableError,
    UnauthorizedError,
)
from requests import HTTPError, PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
"""Longest wait for one answer. A commit that takes longer has an unknown outcome."""

_LOAD_ERRORS: Mapping[int, type[Exception]] = MappingProxyType({404: NoSuchTableError})
_COMMIT_ERRORS: Mapping[int, type[Exception]] = MappingProxyType(
    {
        409: CommitFailedException,
        500: CommitStateUnknownException,
        502: CommitStateUnknownException,
        504: CommitStateUnknownException,
    }
)


class _BoundedAdapter(HTTPAdapter):
    """Gives every request a timeout and never repeats one: a repeated commit is a new commit."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        kwargs["timeout"] = kwargs.get("timeout") or (CONNECT_SECONDS, ANSWER_SECONDS)
        return super().send(request, *args, **kwargs)


class BoundedRestCatalog(RestCatalog):
    """Used by one thread at a time."""

    def _config_headers(self, session: Session) -> None:
        # The first thing done to a new session, before it is used to fetch a token.
        for scheme in ("http://", "https://"):
            session.mount(scheme, _BoundedAdapter())
        super()._config_headers(session)
        self._settle(session)

    def _settle(self, session: Session) -> None:
        """Ask the environment now for what requests would ask it before every request.

        Proxies and certificates are those named when the catalog was opened. Credentials of a
        ``.netrc`` are not used: they would take the place of the catalog's token.
        """
        found = session.merge_environment_settings(self.uri, {}, None, None, None)
        session.proxies.update(found["proxies"])
        session.verify = found["verify"]
        session.trust_env = False

    def get_table(self, identifier: Sequence[str]) -> bytes:
        """The table as it is now: a LoadTableResult of the REST specification.

        Raises:
            NoSuchTableError: there is none.
            requests.exceptions.RequestException, pyiceberg.exceptions.RESTError: as load_table.
        """
        self._check_endpoint(Capability.V1_LOAD_TABLE)
        url = self._table_url(Endpoints.load_table, identifier)
        return self._answer(lambda: self._session.get(url), _LOAD_ERRORS)

    def update_table(self, identifier: Sequence[str], request: bytes) -> bytes:
        """Send a commit, once; the table right after it, as a CommitTableResponse.

        Args:
            identifier: of the table.
            request: a CommitTableRequest.

        Raises:
            CommitFailedException, CommitStateUnknownException, other
            pyiceberg.exceptions.RESTError, requests.exceptions.RequestException: as commit_table.
        """
        self._check_endpoint(Capability.V1_UPDATE_TABLE)
        url = self._table_url(Endpoints.update_table, identifier)
        return self._answer(lambda: self._session.post(url, data=request), _COMMIT_ERRORS)

    def _table_url(self, endpoint: str, identifier: Sequence[str]) -> str:
        return self.url(endpoint, **self._split_identifier_for_path(tuple(identifier)))

    def _answer(self, send: Callable[[], Response], errors: Mapping[int, type[Exception]]) -> bytes:
        try:
            return _checked(send(), errors)
        except (AuthorizationExpiredError, UnauthorizedError):  # nothing was done; as PyIceberg
            self._refresh_token()
            return _checked(send(), errors)


def _checked(response: Response, errors: Mapping[int, type[Exception]]) -> bytes:
    try:
        response.raise_for_status()
    except HTTPError as error:
        _handle_non_200_response(error, dict(errors))
    return response.content
