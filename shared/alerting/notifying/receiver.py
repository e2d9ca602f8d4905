"""Who can be told, and how they are reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

ReceiverType = Literal["webhook", "apprise", "alertmanager"]

PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver.

    Attributes:
        name: by which routes, logs and metrics call it.
        type: ``webhook``: posts JSON; ``apprise``: chat, paging and mail by a URL of that library;
            ``alertmanager``: Prometheus' Alertmanager, which is told everything and then routes,
            groups and silences itself.
        url: where it is; may hold secrets.
        secret: signs webhooks; ``None``: they are not signed.
        per_minute: most notifications a minute.
        heartbeat_s: how often it is told the signs of life (alerts of severity ``none``);
            ``None``: never.
    """

    name: str
    type: ReceiverType
    url: SecretStr
    secret: SecretStr | None = None
    per_minute: float = PER_MINUTE
    heartbeat_s: float | None = None
