"""Where Faust finds the broker: what every other client of ours is told, in Faust's words."""

from __future__ import annotations

from typing import Any

import faust

from shared.runtime.bus import connection
from shared.runtime.settings import Settings


def broker_urls(settings: Settings) -> list[str]:
    """The bootstrap servers."""
    return [f"kafka://{server.strip()}" for server in settings.brokers.split(",")]


def credentials(settings: Settings) -> Any:
    """Password and TLS; ``None`` when the broker asks for neither."""
    arguments = connection(settings)
    context = arguments.get("ssl_context")
    if "sasl_mechanism" in arguments:
        return faust.SASLCredentials(
            username=arguments["sasl_plain_username"],
            password=arguments["sasl_plain_password"],
            mechanism=arguments["sasl_mechanism"],
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)
