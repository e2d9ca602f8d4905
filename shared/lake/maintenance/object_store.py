"""The bucket of a table as a store that lists in pages and deletes many objects in one request.

PyIceberg's FileIO cannot list, Arrow's file system below it lists all at once, and deleting with it
takes three requests an object and leaves an empty one behind in the place of its directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store
from pyiceberg.io import FileIO

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

SCHEMES = frozenset({"s3", "s3a", "s3n"})
"""Of locations in an object store."""

RETRIES = 2


def in_store(location: str) -> bool:
    """Whether a location is in an object store."""
    return urlsplit(location).scheme in SCHEMES


def bucket(io: FileIO, location: str) -> S3Store:
    """The bucket that ``location`` is in, with the FileIO's endpoint and credentials."""
    known: Mapping[str, str] = {key: str(value) for key, value in io.properties.items()}
    endpoint = known.get("s3.endpoint")
    options = {
        "access_key_id": known.get("s3.access-key-id"),
        "secret_access_key": known.get("s3.secret-access-key"),
        "session_token": known.get("s3.session-token"),
        "region": known.get("s3.region") or "us-east-1",
        "endpoint": endpoint,
    }
    client: ClientConfig = {
        "connect_timeout": _duration(known.get("s3.connect-timeout"), 3),
        "timeout": _duration(known.get("s3.request-timeout"), 15),
        "allow_http": bool(endpoint and endpoint.startswith("http:")),
    }
    config = {name: value for name, value in options.items() if value is not None}
    return S3Store(
        urlsplit(location).netloc,
        config=cast("S3Config", config),
        virtual_hosted_style_request=known.get("s3.force-virtual-addressing") == "true",
        client_options=client,
        retry_config={"max_retries": RETRIES},
    )


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Errors of the store as what callers of a FileIO expect."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise PermissionError(str(error).splitlines()[0]) from None
    except BaseError as error:
        raise OSError(str(error).splitlines()[0]) from None  # what follows names the request


def _duration(seconds: str | None, default: float) -> timedelta:
    return timedelta(seconds=float(seconds) if seconds else default)
