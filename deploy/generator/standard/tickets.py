"""A ticket of a help desk: who asks what, and how it goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.payload import Payload, zulu_milliseconds
from deploy.generator.person import Person

PRIORITIES = {"low": 30, "normal": 50, "high": 15, "urgent": 5}
CHANNELS = ("email", "chat", "phone", "web")
SUBJECTS = (
    "Where is my order?", "Wrong size", "Refund not received", "Größe & Farbe tauschen",
    "Invoice has the wrong address", "Cannot log in", "Damaged on arrival",
)  # fmt: skip
AGENTS = ("agent_1", "agent_2", "agent_3", "agent_4")
_NEXT = {"open": ("pending", "solved"), "pending": ("open", "solved"), "solved": ("closed", "open")}


def ticket(ids: IdSpace, rng: Chance, person: Person, now: datetime) -> Payload:
    """``data`` of ``ticket.created``."""
    opened = rng.moment(now - timedelta(days=90), now)
    return {
        "id": f"tkt_{ids.text(rng, 16)}",
        "subject": rng.choice(SUBJECTS),
        "status": "open",
        "priority": rng.weighted(PRIORITIES),
        "channel": rng.choice(CHANNELS),
        "requester": {"name": person.name, "email": person.email, "phone": person.phone},
        "assignee": None,
        "tags": rng.sample(("billing", "shipping", "account", "returns"), rng.randint(0, 2)),
        "satisfaction": None,
        "opened_at": zulu_milliseconds(opened),
        "updated_at": zulu_milliseconds(opened),
    }


def open_still(current: Payload) -> bool:
    """Whether anything more can happen to it."""
    return current["status"] in _NEXT


def next_version(rng: Chance, current: Payload, moment: datetime) -> tuple[str, Payload]:
    """Event type and ``data`` of what happens next."""
    changed = {**current, "updated_at": zulu_milliseconds(moment)}
    if current["assignee"] is None:
        return "ticket.assigned", {**changed, "assignee": rng.choice(AGENTS)}
    status = rng.choice(_NEXT[current["status"]])
    changed["status"] = status
    if status == "closed":
        changed["satisfaction"] = rng.maybe(0.5, rng.randint(1, 5))
        return "ticket.closed", changed
    return "ticket.updated", changed
