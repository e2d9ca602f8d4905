"""A portal at HubSpot: what it has told the world so far, and the webhooks it sends next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from deploy.generator.chance import Chance
from deploy.generator.delivery import Delivery, Kind
from deploy.generator.hubspot import companies, contacts, deals, engagements
from deploy.generator.hubspot.events import Entity, Thing, event, expanded, property_change
from deploy.generator.payload import Payload, compact_json, zulu_milliseconds
from deploy.generator.people import People
from deploy.generator.pool import Pool
from deploy.generator.run import Run

PATH = "/webhooks/hubspot/webhook"
HEADERS = (
    ("Content-Type", "application/json"),
    ("User-Agent", "HubSpot Connect 2.0 (http://dev.hubspot.com/) - WebHooks"),
)
TOPICS: Mapping[Thing, str] = {
    "contact": "hubspot.contacts", "company": "hubspot.companies", "deal": "hubspot.deals",
    "engagement": "hubspot.events",
}  # fmt: skip
ENTITIES: tuple[Entity, ...] = ("contact", "company", "deal")
_COMPANY_RATIO = 0.7
"""Contacts that belong to a company."""
_EXPANDED_RATIO = 0.5
_LARGEST_BATCH = 20
_NOT_SENT = frozenset({"hs_object_id", "createdate", "lastmodifieddate", "hs_lastmodifieddate"})
"""Properties that come with a creation and are no event of their own."""


class Portal:
    """Knows the newest version of what can still change; versions only ever go forward.

    Every method returns one delivery, an array of one event or several, or ``None`` when there is
    nothing that it could happen to. What an event names was announced before.
    """

    def __init__(self, run: Run, people: People, now: datetime) -> None:
        self._ids = run.ids
        self._people = people
        self._now = now
        self._rng = run.chance("hubspot objects")
        self._event_rng = run.chance("hubspot events")
        self._objects: dict[Entity, Pool[int, Payload]] = {
            entity: Pool(self._event_rng) for entity in ENTITIES
        }

    def create_contact(self) -> Delivery:
        """``contact.creation`` of somebody, for most with the company that they work for."""
        person, shared = self._people.meet("hubspot")
        company = self._objects["company"].one() if self._rng.happens(_COMPANY_RATIO) else None
        number = self._ids.next("contact")
        made = contacts.properties(self._rng, number, person, company, self._now, shared=shared)
        return self._create("contact", number, made)

    def create_company(self) -> Delivery:
        """``company.creation``."""
        number = self._ids.next("company")
        founder = self._people.newcomer()
        made = companies.properties(self._rng, number, founder, self._now)
        return self._create("company", number, made)

    def create_deal(self) -> Delivery | None:
        """``deal.creation`` with a company."""
        company = self._objects["company"].one()
        if company is None:
            return None
        number = self._ids.next("deal")
        return self._create("deal", number, deals.properties(self._rng, number, company, self._now))

    def update(self, entity: Entity, moment: datetime) -> Delivery | None:
        """``….propertyChange`` of one of the objects."""
        current = self._objects[entity].one()
        return None if current is None else self._change(entity, current, moment, Kind.UPDATE)

    def update_several(self, moment: datetime) -> Delivery | None:
        """Changes of several objects of all kinds in one array, as a busy portal sends them."""
        if not len(self._objects["contact"]):
            return None
        told: list[Payload] = []
        for _ in range(self._event_rng.randint(2, _LARGEST_BATCH)):
            entity = self._event_rng.choice(ENTITIES)
            current = self._objects[entity].one()
            if current is not None:
                told.append(self._changed(entity, current, moment))
        if len(told) < 2:
            return None
        return self._send(_thing(told[0]), told[0]["objectId"], told, Kind.UPDATE)

    def note(self) -> Delivery | None:
        """``engagement.creation`` about a contact: a type that has no topic of its own."""
        contact = self._objects["contact"].one()
        if contact is None:
            return None
        number = self._ids.next("hubspot_engagement")
        made = engagements.engagement(self._rng, number, contact, self._now)
        moment = datetime.fromisoformat(made["properties"]["hs_createdate"])
        told = event(self._ids, self._event_rng, "engagement", "creation", number, moment)
        return self._send("engagement", number, [{**told, **made}], Kind.CREATION)

    def update_twice(self, first: datetime, second: datetime) -> tuple[Delivery, Delivery] | None:
        """Two versions of one contact, newest first: the older one overtaken on its way."""
        current = self._objects["contact"].one()
        if current is None:
            return None
        older = self._change("contact", current, first, Kind.OUT_OF_ORDER)
        later = self._objects["contact"][int(current["hs_object_id"])]
        return self._change("contact", later, second, Kind.UPDATE), older

    def delete(self, entity: Entity, moment: datetime) -> Delivery | None:
        """``….deletion``; of some contacts a ``privacyDeletion``. The last company stays."""
        pool = self._objects[entity]
        gone = pool.one() if len(pool) > 1 else None
        if gone is None:
            return None
        number = int(gone["hs_object_id"])
        pool.drop(number)
        private = entity == "contact" and self._event_rng.happens(0.2)
        happening = "privacyDeletion" if private else "deletion"
        told = event(self._ids, self._event_rng, entity, happening, number, moment)
        return self._send(entity, number, [told], Kind.DELETION)

    def merge(self, moment: datetime) -> Delivery | None:
        """``contact.merge``: of two contacts the first survives."""
        pair = self._objects["contact"].sample(2)
        if len(pair) < 2:
            return None
        primary, merged = (int(each["hs_object_id"]) for each in pair)
        self._objects["contact"].drop(merged)
        told = {
            **event(self._ids, self._event_rng, "contact", "merge", primary, moment),
            "primaryObjectId": primary,
            "mergedObjectIds": [merged],
            "newObjectId": primary,
            "numberOfPropertiesMoved": self._event_rng.randint(0, 20),
        }
        return self._send("contact", primary, [told], Kind.UPDATE)

    def _create(self, entity: Entity, number: int, properties: Payload) -> Delivery:
        self._objects[entity].put(number, properties)
        moment = datetime.fromisoformat(properties["createdate"])
        told = event(self._ids, self._event_rng, entity, "creation", number, moment)
        if self._event_rng.happens(_EXPANDED_RATIO):
            return self._send(entity, number, [expanded(told, properties)], Kind.CREATION)
        changes = [
            self._property(entity, number, moment, (name, value))
            for name, value in properties.items()
            if value is not None and name not in _NOT_SENT
        ]
        return self._send(entity, number, [told, *changes], Kind.CREATION)

    def _change(self, entity: Entity, current: Payload, moment: datetime, kind: Kind) -> Delivery:
        told = self._changed(entity, current, moment)
        return self._send(entity, told["objectId"], [told], kind)

    def _changed(self, entity: Entity, current: Payload, moment: datetime) -> Payload:
        """One property of an object changes: the event of it."""
        number = int(current["hs_object_id"])
        name, value = _CHANGE[entity](self._rng, current)
        modified = "lastmodifieddate" if entity == "contact" else "hs_lastmodifieddate"
        changed = {**current, name: value, modified: zulu_milliseconds(moment)}
        if entity == "deal":
            changed |= deals.outlook(changed["dealstage"], Decimal(changed["amount"]))
        self._objects[entity].change(number, changed)
        told = self._property(entity, number, moment, (name, value))
        return expanded(told, changed) if self._event_rng.happens(_EXPANDED_RATIO) else told

    def _property(
        self, entity: Entity, number: int, moment: datetime, changed: tuple[str, str]
    ) -> Payload:
        return property_change(self._ids, self._event_rng, entity, number, moment, changed)

    def _send(self, thing: Thing, number: int, events: Sequence[Payload], kind: Kind) -> Delivery:
        return Delivery(
            source="hubspot",
            path=PATH,
            topic=TOPICS[thing],
            event_type=events[0]["subscriptionType"],
            event_id=str(events[0]["eventId"]),
            subject=str(number),
            headers=HEADERS,
            body=compact_json(events),
            kind=kind,
            events=len(events),
        )


def _thing(told: Payload) -> Entity:
    """The kind of object that an event is about."""
    return next(entity for entity in ENTITIES if told["subscriptionType"].startswith(f"{entity}."))


_CHANGE: Mapping[Entity, Callable[[Chance, Payload], tuple[str, str]]] = {
    "contact": contacts.change, "company": companies.change, "deal": deals.change,
}  # fmt: skip
