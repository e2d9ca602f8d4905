"""An account at Mailchimp: what it has told the world so far, and the webhooks it sends next."""

from __future__ import annotations

import hashlib
from datetime import datetime

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.mailchimp import campaigns, engagements, subscribers
from deploy.generator.payload import Payload, compact_json, form
from deploy.generator.people import People
from deploy.generator.pool import Pool
from deploy.generator.run import Run

PATH = "/webhooks/mailchimp/webhook"
_AGENT = ("User-Agent", "MailChimp")
JSON_HEADERS = (("Content-Type", "application/json"), _AGENT)
FORM_HEADERS = (("Content-Type", "application/x-www-form-urlencoded"), _AGENT)

_LISTS = 3
_FORM_RATIO = 0.6
"""Audience webhooks that come as the vendor's form; the others are flat JSON."""
_MOVE_RATIO = 0.2
"""Changes of a subscriber that are a new address."""


class Audience:
    """Knows the newest version of what can still change; versions only ever go forward.

    Every method returns one delivery, or ``None`` when there is nothing it could happen to. Events
    name a campaign and a subscriber of its list who were announced before. The vendor has no id for
    a webhook; ``event_id`` is the hash of the body, or the ``event_id`` that it holds.
    """

    def __init__(self, run: Run, people: People, now: datetime) -> None:
        self._ids = run.ids
        self._people = people
        self._now = now
        self._rng = run.chance("mailchimp objects")
        self._post_rng = run.chance("mailchimp deliveries")
        self._lists = tuple(run.ids.suffix(each).zfill(10) for each in range(_LISTS))
        self._subscribers: Pool[str, Payload] = Pool(self._post_rng)
        self._campaigns: Pool[str, Payload] = Pool(self._post_rng)

    def create_subscriber(self) -> Delivery:
        """``subscribe``, or what else a new subscriber's status is announced with."""
        person, _ = self._people.meet("mailchimp")
        made = subscribers.subscriber(self._rng, person, self._rng.choice(self._lists), self._now)
        self._subscribers.put(made["subscriber_id"], made)
        changed = datetime.fromisoformat(made["last_changed"])
        return self._tell(made["_webhook_event_type"], made, changed, Kind.CREATION)

    def update_subscriber(self, moment: datetime) -> Delivery | None:
        """``profile``, ``unsubscribe``, ``cleaned``, ``subscribe`` again, or ``upemail``."""
        current = self._subscribers.one()
        if current is None:
            return None
        if self._post_rng.happens(_MOVE_RATIO):
            return self._move(current, moment)
        return self._next_version(current, moment, Kind.UPDATE)

    def update_subscriber_twice(
        self, first: datetime, second: datetime
    ) -> tuple[Delivery, Delivery] | None:
        """Two versions of one subscriber, newest first: the older one overtaken on its way."""
        current = self._subscribers.one()
        if current is None:
            return None
        older = self._next_version(current, first, Kind.OUT_OF_ORDER)
        later = self._subscribers[current["subscriber_id"]]
        return self._next_version(later, second, Kind.UPDATE), older

    def delete_subscriber(self, moment: datetime) -> Delivery | None:
        """``unsubscribe`` with action ``delete``, which only the form can say."""
        gone = self._subscribers.one() if len(self._subscribers) > 1 else None
        if gone is None:
            return None
        self._subscribers.drop(gone["subscriber_id"])
        fields = subscribers.form_of(self._rng, "unsubscribe", gone, None, moment)
        fields["data"]["action"] = "delete"
        return self._post_form(fields, gone["subscriber_id"], "subscribers", Kind.DELETION)

    def create_campaign(self) -> Delivery:
        """``campaign``."""
        made = campaigns.campaign(self._ids, self._rng, self._rng.choice(self._lists), self._now)
        self._campaigns.put(made["campaign_id"], made)
        sent = datetime.fromisoformat(made["send_time"])
        return self._tell_campaign(made, sent, Kind.CREATION)

    def update_campaign(self, moment: datetime) -> Delivery | None:
        """``campaign`` with its next state."""
        current = self._campaigns.one()
        if current is None:
            return None
        changed = campaigns.next_version(self._rng, current, moment)
        self._campaigns.change(changed["campaign_id"], changed)
        return self._tell_campaign(changed, moment, Kind.UPDATE)

    def engage(self) -> Delivery | None:
        """What a subscriber did with a campaign that was sent to their list."""
        subscriber = self._subscribers.one()
        if subscriber is None:
            return None
        campaign = self._campaigns.one(
            lambda c: c["status"] == "sent" and c["list_id"] == subscriber["list_id"]
        )
        if campaign is None:
            return None
        made = engagements.engagement(self._ids, self._rng, campaign, subscriber, self._now)
        return self._post_json(made, made["event_id"], "events", Kind.CREATION)

    def _next_version(self, current: Payload, moment: datetime, kind: Kind) -> Delivery:
        type_, changed = subscribers.next_version(self._rng, current, moment)
        self._subscribers.change(changed["subscriber_id"], changed)
        return self._tell(type_, changed, moment, kind)

    def _move(self, current: Payload, moment: datetime) -> Delivery:
        mailbox, _, domain = current["email_address"].partition("@")
        new = f"{mailbox}.new@{domain}"
        moved = {
            **current,
            "email_address": new,
            "subscriber_id": subscribers.subscriber_id(new),
            "last_changed": subscribers.iso(moment),
        }
        self._subscribers.drop(current["subscriber_id"])
        self._subscribers.put(moved["subscriber_id"], moved)
        data = {
            "list_id": current["list_id"],
            "new_id": moved["subscriber_id"][:10],
            "new_email": new,
            "old_email": current["email_address"],
        }
        fields = subscribers.envelope("upemail", moment, data)
        return self._post_form(fields, moved["subscriber_id"], "subscribers", Kind.UPDATE)

    def _tell(self, type_: str, state: Payload, moment: datetime, kind: Kind) -> Delivery:
        number = state["subscriber_id"]
        if not self._post_rng.happens(_FORM_RATIO):
            return self._post_json(state, number, "subscribers", kind)
        campaign = self._campaigns.one(lambda c: c["list_id"] == state["list_id"])
        name = campaign["campaign_id"] if campaign else None
        fields = subscribers.form_of(self._rng, type_, state, name, moment)
        return self._post_form(fields, number, "subscribers", kind)

    def _tell_campaign(self, state: Payload, moment: datetime, kind: Kind) -> Delivery:
        number = state["campaign_id"]
        if state["status"] == "sent" and self._post_rng.happens(_FORM_RATIO):
            return self._post_form(campaigns.form_of(state, moment), number, "campaigns", kind)
        body = {**state, "_webhook_event_type": "campaign"}
        return self._post_json(body, number, "campaigns", kind)

    def _post_json(self, body: Payload, subject: str, entity: str, kind: Kind) -> Delivery:
        written = compact_json(body)
        return Delivery(
            source="mailchimp",
            path=PATH,
            topic=f"mailchimp.{entity}",
            event_type=body["_webhook_event_type"],
            event_id=body.get("event_id") or hashlib.sha256(written).hexdigest(),
            subject=subject,
            headers=JSON_HEADERS,
            body=written,
            kind=kind,
        )

    def _post_form(self, fields: Payload, subject: str, entity: str, kind: Kind) -> Delivery:
        written = form(fields)
        return Delivery(
            source="mailchimp",
            path=PATH,
            topic=f"mailchimp.{entity}",
            event_type=fields["type"],
            event_id=hashlib.sha256(written).hexdigest(),
            subject=subject,
            headers=FORM_HEADERS,
            body=written,
            kind=kind,
        )
