"""POST to an address that may hold a secret: bounded, without redirects, and never telling it."""

from __future__ import annotations

import email.utils
import ssl
import time

import aiohttp
from pydantic import SecretStr

from services.alerter.delivery.notifier import NotDelivered

CONNECT_S = 5.0
LONGEST_RETRY_AFTER_S = 3600.0
_ANSWER_BYTES = 65_536
"""Of an answer so much is read, so that its connection can be used again; then it is dropped."""
_CONNECTIONS = 4
_AGAIN = frozenset({408, 425, 429})


class Poster:
    """Posts bodies to one address. Certificates are verified, redirects are failures.

    Args:
        url: where; with ``user:password@`` for basic authentication.
        timeout_s: of a whole request.
    """

    def __init__(self, url: SecretStr, timeout_s: float = 10.0) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=min(CONNECT_S, timeout_s))
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, headers: dict[str, str]) -> None:
        """Return once a 2xx has come.

        Raises:
            NotDelivered: anything else happened, or nothing within the time.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Content-Type": "application/json", "User-Agent": "bergline-alerter"},
            )
        try:
            async with self._session.post(
                self._url.get_secret_value(), data=body, headers=headers, allow_redirects=False
            ) as response:
                if 200 <= response.status < 300:
                    # Taken, whatever happens to the rest of the answer.
                    await _drop(response)
                    return
                retry_after = _seconds(response.headers.get("Retry-After"))
                status = response.status
        except TimeoutError:
            raise NotDelivered("no answer in time", again=True) from None
        except aiohttp.InvalidURL:
            raise NotDelivered("the address is none", again=False) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDelivered(_reason(error), again=True) from None
        except Exception as error:  # noqa: BLE001 - of the client; its text may show the address
            raise NotDelivered(f"failed: {type(error).__name__}", again=True) from None
        raise NotDelivered(
            f"answered {status}" + (", redirects are not followed" if 300 <= status < 400 else ""),
            again=status >= 500 or status in _AGAIN,
            retry_after_s=retry_after,
        )

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def _drop(response: aiohttp.ClientResponse) -> None:
    try:
        await response.content.read(_ANSWER_BYTES)
    except (aiohttp.ClientError, OSError):
        response.close()


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds from now: a number or a date; ``None`` when it is neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        wanted = float(header)
    else:
        try:
            wanted = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(wanted, 0.0), LONGEST_RETRY_AFTER_S)


def _reason(error: BaseException) -> str:
    """What went wrong below HTTP, without text that may show the address."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, OSError) and error.errno is not None:
        return f"connection failed: {type(error).__name__}"
    return f"connection lost: {type(error).__name__}"
