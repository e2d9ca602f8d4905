"""What a nested Mailchimp event says in the words of a flat one.

A form has no ``subscriber_id``, ``status`` or ``last_changed``: they follow from its type, its
time and its fields. Source: mailchimp.com/developer, "Sync Audience Data with Webhooks".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from shared.sources.attributes import MAX_CHARACTERS, iso_moment

Fields = Mapping[str, Any]

_STATUS: Mapping[str, str] = MappingProxyType(
    {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "cleaned": "cleaned"}
)
"""``profile`` and ``upemail`` leave it as it is."""


def member_hash(email: object) -> str | None:
    """The vendor's id of a member: MD5 of the address in lower case; ``None`` without one."""
    if not isinstance(email, str) or not (plain := email.strip().lower()):
        return None
    return hashlib.md5(plain.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def fired_moment(value: object) -> datetime | None:
    """``YYYY-MM-DD HH:MM:SS``, which is UTC, or ISO-8601 with any offset; else ``None``."""
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else iso_moment(value)


def email_of(event_type: str, data: Fields) -> object:
    """The address that an event is about; of a changed one the new."""
    return data.get("new_email") if event_type == "upemail" else data.get("email")


def member(event_type: str, data: Fields, fired: object) -> dict[str, Any]:
    """A member's fields."""
    merges = data.get("merges")
    email = email_of(event_type, data)
    return {
        "subscriber_id": member_hash(email),
        "email_address": email,
        "status": _STATUS.get(event_type),
        "merge_fields": merges,
        "email_type": data.get("email_type"),
        "list_id": data.get("list_id"),
        "ip_opt": data.get("ip_opt"),
        "ip_signup": data.get("ip_signup"),
        "phone": merges.get("PHONE") if isinstance(merges, dict) else None,
        "last_changed": fired,
        "timestamp_signup": fired if event_type == "subscribe" else None,
    }


def campaign(_: str, data: Fields, fired: object) -> dict[str, Any]:
    """A campaign's fields."""
    status = data.get("status")
    return {
        "campaign_id": data.get("id"),
        "subject_line": data.get("subject"),
        "status": status,
        "list_id": data.get("list_id"),
        "send_time": fired if status == "sent" else None,
    }


def engagement(event_type: str, data: Fields, fired: object) -> dict[str, Any]:
    """What a person did, or a type that nobody knows."""
    return {
        "action": event_type,
        "email_address": data.get("email"),
        "timestamp": fired,
        **{name: data.get(name) for name in ("campaign_id", "list_id", "url", "ip", "user_agent")},
    }
