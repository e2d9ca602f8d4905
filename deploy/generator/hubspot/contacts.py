"""HubSpot's contact: its properties, all of them strings, and how they change."""

from __future__ import annotations

from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.payload import Payload, zulu_milliseconds
from deploy.generator.person import Person
from deploy.generator.variations import phone_as_typed

LIFECYCLE = {
    "subscriber": 15, "lead": 25, "marketingqualifiedlead": 15, "salesqualifiedlead": 15,
    "opportunity": 10, "customer": 15, "evangelist": 5,
}  # fmt: skip
LEADS = frozenset({"lead", "marketingqualifiedlead", "salesqualifiedlead"})
LEAD_STATUS = (
    "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT",
    "CONNECTED", "BAD_TIMING",
)  # fmt: skip
SOURCES = (
    "ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS",
    "OTHER_CAMPAIGNS", "DIRECT_TRAFFIC", "OFFLINE",
)  # fmt: skip
TITLES = ("Buyer", "Engineer", "Founder", "Head of Marketing", "Office Manager", "Sales Manager")


def properties(
    rng: Chance,
    number: int,
    person: Person,
    company: Payload | None,
    now: datetime,
    *,
    shared: bool,
) -> Payload:
    """Properties of a new contact; ``company`` are those of the one that it belongs to."""
    home = person.address
    stage = rng.weighted(LIFECYCLE)
    views = rng.maybe(0.7, rng.randint(0, 100))
    created = person.created_at
    return {
        "hs_object_id": str(number),
        "email": person.email,
        "firstname": person.first_name,
        "lastname": person.last_name,
        "phone": person.phone if shared else rng.maybe(0.7, phone_as_typed(rng, person.phone)),
        "mobilephone": rng.maybe(0.3, phone_as_typed(rng, person.phone)),
        "company": company["name"] if company else rng.maybe(0.6, person.company),
        "associatedcompanyid": company["hs_object_id"] if company else None,
        "jobtitle": rng.maybe(0.6, rng.choice(TITLES)),
        "lifecyclestage": stage,
        "hs_lead_status": rng.choice(LEAD_STATUS) if stage in LEADS else None,
        "address": rng.maybe(0.6, home.address1),
        "city": rng.maybe(0.7, home.city),
        "state": rng.maybe(0.7, home.province),
        "zip": rng.maybe(0.6, home.zip),
        "country": rng.maybe(0.7, home.country),
        "website": rng.maybe(0.3, "https://www.example.com/"),
        "hs_analytics_source": rng.maybe(0.7, rng.choice(SOURCES)),
        "hs_analytics_first_url": rng.maybe(0.5, "https://www.example.com/?utm_source=a&b=1"),
        "hs_analytics_num_page_views": None if views is None else str(views),
        "hs_analytics_num_visits": str(rng.randint(0, min(20, views))) if views else None,
        "hs_email_optout": "true" if rng.happens(0.1) else "false",
        "createdate": zulu_milliseconds(created),
        "lastmodifieddate": zulu_milliseconds(rng.moment(created, now)),
    }


def change(rng: Chance, current: Payload) -> tuple[str, str]:
    """Name and new value of a property that changes."""
    match rng.choice(("stage", "status", "title", "opt-out", "views")):
        case "stage":
            others = [stage for stage in LIFECYCLE if stage != current["lifecyclestage"]]
            return "lifecyclestage", rng.choice(others)
        case "status":
            return "hs_lead_status", rng.choice(LEAD_STATUS)
        case "title":
            return "jobtitle", rng.choice(TITLES)
        case "opt-out":
            opted_out = current["hs_email_optout"] == "true"
            return "hs_email_optout", "false" if opted_out else "true"
        case _:
            views = int(current["hs_analytics_num_page_views"] or 0)
            return "hs_analytics_num_page_views", str(views + rng.randint(1, 9))
