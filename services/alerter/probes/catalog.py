"""Does the catalog answer ``GET /v1/config``, to our credential?"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from services.alerter.probes.http import NotAsItShould, asked, session
from shared.runtime.settings import Settings


class CatalogProbe:
    """Asks as clients do: with a token, got by the credential when there is none yet.

    Source: Iceberg REST catalog specification, ``getToken`` and ``getConfig``.
    """

    def __init__(self, settings: Settings) -> None:
        self._uri = settings.catalog_uri.rstrip("/")
        self._config = f"{self._uri}/v1/config?{urlencode({'warehouse': _warehouse(settings)})}"
        credential = settings.catalog_credential
        self._credential = None if credential is None else credential.get_secret_value()
        self._token: str | None = None

    async def __call__(self) -> None:
        """Ask once; raises whatever went wrong."""
        async with session() as client:
            if self._token is None and self._credential is not None:
                client_id, _, secret = self._credential.partition(":")
                form = {
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": secret,
                    "scope": "catalog",
                }
                answer = await asked(client, "POST", f"{self._uri}/v1/oauth/tokens", form=form)
                self._token = str(json.loads(answer)["access_token"])
            headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
            try:
                await asked(client, "GET", self._config, headers=headers)
            except NotAsItShould:
                self._token = None  # it may have run out
                raise


def _warehouse(settings: Settings) -> str:
    return settings.catalog_warehouse
