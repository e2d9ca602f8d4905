"""Mailchimp's subscriber: as a flat JSON object, and as the form that the vendor really posts."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.payload import Payload
from deploy.generator.person import Person

STATUS = {"subscribed": 60, "unsubscribed": 15, "cleaned": 5, "pending": 10, "transactional": 10}
TYPE_OF_STATUS = {
    "subscribed": "subscribe", "unsubscribed": "unsubscribe", "cleaned": "cleaned",
    "pending": "subscribe", "transactional": "profile",
}  # fmt: skip
LANGUAGES = ("en", "es", "fr", "de", "pt", "ja", "zh", "ko", "it", "nl")
SOURCES = ("API", "import", "popup", "landing_page")
TAGS = ("newsletter", "vip", "promo", "inactive", "lead")


def subscriber_id(email: str) -> str:
    """MD5 of the lower-case address, as the vendor documents it."""
    return hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


def e164(phone: str) -> str:
    """North American digits, however they were typed, as E.164."""
    return "+1" + "".join(letter for letter in phone if letter.isdigit())[-10:]


def iso(moment: datetime) -> str:
    """``2025-03-01T12:00:00+00:00``."""
    return moment.isoformat(timespec="seconds")


def subscriber(rng: Chance, person: Person, list_id: str, now: datetime) -> Payload:
    """A new subscriber of a list; the state that the JSON form carries whole."""
    phone = rng.maybe(0.6, e164(person.phone))
    email = person.email.strip()
    signed_up = person.created_at
    status = rng.weighted(STATUS)
    return {
        "subscriber_id": subscriber_id(email),
        "email_address": email,
        "email_type": rng.choice(("html", "text")),
        "status": status,
        "merge_fields": {
            "FNAME": person.first_name, "LNAME": person.last_name, "PHONE": phone or "",
        },
        "stats": {
            "avg_open_rate": rng.randint(500, 5500) / 10_000,
            "avg_click_rate": rng.randint(100, 1500) / 10_000,
        },
        "list_id": list_id,
        "tags": [
            {"id": rng.randint(1, 999), "name": name}
            for name in rng.sample(TAGS, rng.randint(0, 2))
        ],
        "ip_signup": rng.maybe(0.7, _ip(rng)),
        "ip_opt": rng.maybe(0.5, _ip(rng)),
        "timestamp_signup": iso(signed_up),
        "timestamp_opt": iso(signed_up + timedelta(minutes=rng.randint(1, 60))),
        "last_changed": iso(rng.moment(signed_up + timedelta(hours=1), now)),
        "language": rng.choice(LANGUAGES),
        "vip": rng.happens(0.05),
        "source": rng.choice(SOURCES),
        "phone": phone,
        "sms_status": rng.choice(("subscribed", "unsubscribed", "non_subscribed"))
        if phone
        else "non_subscribed",
        "_webhook_event_type": TYPE_OF_STATUS[status],
    }  # fmt: skip


def next_version(rng: Chance, current: Payload, moment: datetime) -> tuple[str, Payload]:
    """Webhook type and state of what happens next: a profile, an end, a bounce, a return."""
    changed = {**current, "last_changed": iso(moment)}
    if current["status"] in {"unsubscribed", "cleaned"}:
        type_, changed["status"] = "subscribe", "subscribed"
    else:
        type_ = rng.weighted({"profile": 60, "unsubscribe": 30, "cleaned": 10})
        if type_ == "profile":
            changed["vip"] = not current["vip"]
            changed["language"] = rng.choice(LANGUAGES)
        else:
            changed["status"] = f"{type_}d" if type_ == "unsubscribe" else "cleaned"
    changed["_webhook_event_type"] = type_
    return type_, changed


def form_of(
    rng: Chance, type_: str, state: Payload, campaign: str | None, moment: datetime
) -> Payload:
    """The fields that the vendor posts for a webhook of this type.

    Args:
        rng: what draws.
        type_: ``subscribe``, ``profile``, ``unsubscribe`` or ``cleaned``.
        state: the subscriber.
        campaign: the campaign that made them leave, or bounced.
        moment: when it happened.
    """
    data: Payload = {"list_id": state["list_id"], "email": state["email_address"]}
    if type_ == "cleaned":
        data |= {"campaign_id": campaign, "reason": rng.choice(("hard", "abuse"))}
        return envelope(type_, moment, data)
    merges = state["merge_fields"]
    data |= {
        "id": state["subscriber_id"][:10],
        "web_id": int(state["subscriber_id"][:8], 16),
        "email_type": state["email_type"],
        "ip_opt": state["ip_opt"],
        "ip_signup": state["ip_signup"],
        "merges": {"EMAIL": state["email_address"], **merges, "INTERESTS": "Group1,Group2"},
    }
    if type_ == "unsubscribe":
        data |= {"action": "unsub", "reason": rng.choice(("manual", "manual", "abuse"))}
        if campaign is not None:
            data["campaign_id"] = campaign
    return envelope(type_, moment, data)


def envelope(type_: str, moment: datetime, data: Payload) -> Payload:
    """What every form holds; the vendor's times are UTC without saying so."""
    return {"type": type_, "fired_at": f"{moment:%Y-%m-%d %H:%M:%S}", "data": data}


def _ip(rng: Chance) -> str:
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))
