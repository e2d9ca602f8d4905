"""A help desk: the tickets that it has told the world about, and the webhooks it sends next."""

from __future__ import annotations

from datetime import datetime

from deploy.generator.delivery import Delivery, Kind
from deploy.generator.payload import Payload, compact_json, zulu_milliseconds
from deploy.generator.people import People
from deploy.generator.pool import Pool
from deploy.generator.run import Run
from deploy.generator.standard import tickets

PATH = "/webhooks/standard/events"
TOPIC = "standard.events"
HEADERS = (("Content-Type", "application/json"), ("User-Agent", "Helpdesk-Webhooks/1.0"))


class Desk:
    """Knows the newest version of what can still change; versions only ever go forward.

    Its people are customers of the other vendors, too. Every method returns one delivery, or
    ``None`` when there is nothing that it could happen to.
    """

    def __init__(self, run: Run, people: People, now: datetime) -> None:
        self._ids = run.ids
        self._people = people
        self._now = now
        self._rng = run.chance("standard tickets")
        self._post_rng = run.chance("standard deliveries")
        self._tickets: Pool[str, Payload] = Pool(self._post_rng)

    def create_ticket(self) -> Delivery:
        """``ticket.created`` by somebody."""
        person, _ = self._people.meet("standard")
        made = tickets.ticket(self._ids, self._rng, person, self._now)
        self._tickets.put(made["id"], made)
        return self._send("ticket.created", made, Kind.CREATION)

    def update_ticket(self, moment: datetime) -> Delivery | None:
        """``ticket.assigned``, ``ticket.updated`` or ``ticket.closed``."""
        current = self._tickets.one(tickets.open_still)
        return None if current is None else self._next_version(current, moment, Kind.UPDATE)

    def update_ticket_twice(
        self, first: datetime, second: datetime
    ) -> tuple[Delivery, Delivery] | None:
        """Two versions of one ticket, newest first: the older one overtaken on its way."""
        current = self._tickets.one(
            # Whatever comes first, it cannot be closed by it.
            lambda ticket: tickets.open_still(ticket) and ticket["status"] != "solved"
        )
        if current is None:
            return None
        older = self._next_version(current, first, Kind.OUT_OF_ORDER)
        return self._next_version(self._tickets[current["id"]], second, Kind.UPDATE), older

    def delete_ticket(self, moment: datetime) -> Delivery | None:
        """``ticket.deleted``: the event holds nothing but the id."""
        gone = self._tickets.one() if len(self._tickets) > 1 else None
        if gone is None:
            return None
        self._tickets.drop(gone["id"])
        told = {"id": gone["id"], "updated_at": zulu_milliseconds(moment)}
        return self._send("ticket.deleted", told, Kind.DELETION)

    def _next_version(self, current: Payload, moment: datetime, kind: Kind) -> Delivery:
        type_, changed = tickets.next_version(self._rng, current, moment)
        self._tickets.change(changed["id"], changed)
        return self._send(type_, changed, kind)

    def _send(self, type_: str, data: Payload, kind: Kind) -> Delivery:
        return Delivery(
            source="standard",
            path=PATH,
            topic=TOPIC,
            event_type=type_,
            event_id=f"msg_{self._ids.text(self._post_rng, 27)}",
            subject=data["id"],
            headers=HEADERS,
            body=compact_json({"type": type_, "timestamp": data["updated_at"], "data": data}),
            kind=kind,
        )
