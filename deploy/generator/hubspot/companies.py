"""HubSpot's company: its properties, all of them strings, and how they change."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.payload import Payload, zulu_milliseconds
from deploy.generator.person import Person

INDUSTRIES = (
    "ACCOUNTING", "AUTOMOTIVE", "BANKING", "BIOTECHNOLOGY", "COMPUTER_SOFTWARE", "CONSTRUCTION",
    "CONSUMER_GOODS", "E_LEARNING", "EDUCATION_MANAGEMENT", "ENTERTAINMENT", "FARMING",
    "FINANCIAL_SERVICES", "FOOD_PRODUCTION", "FURNITURE", "HIGHER_EDUCATION", "HOSPITALITY",
    "INSURANCE", "INTERNET", "LEGAL_SERVICES", "LOGISTICS_AND_SUPPLY_CHAIN", "MACHINERY",
    "MANAGEMENT_CONSULTING", "MARKETING_AND_ADVERTISING", "MEDICAL_DEVICES", "REAL_ESTATE",
    "RETAIL", "TELECOMMUNICATIONS", "UTILITIES",
)  # fmt: skip
TYPES = ("PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER")
STAGES = ("lead", "opportunity", "customer")


def properties(rng: Chance, number: int, founder: Person, now: datetime) -> Payload:
    """Properties of a new company, where its founder lives."""
    home = founder.address
    name = founder.company or f"{founder.last_name} Ltd"
    domain = f"{'-'.join(part for part in name.lower().split() if part.isalpha())}.example"
    created = rng.moment(now - timedelta(days=730), now - timedelta(days=1))
    return {
        "hs_object_id": str(number),
        "name": name,
        "domain": domain,
        "description": rng.maybe(0.4, f"{name} in {home.city}, since {created.year - 3}."),
        "industry": rng.choice(INDUSTRIES),
        "type": rng.choice(TYPES),
        "phone": rng.maybe(0.7, founder.phone),
        "address": home.address1,
        "city": home.city,
        "state": home.province,
        "zip": home.zip,
        "country": home.country,
        "timezone": rng.choice(("US/Eastern", "US/Central", "US/Mountain", "US/Pacific")),
        "website": f"https://www.{domain}",
        "linkedin_company_page": rng.maybe(0.4, f"https://www.linkedin.com/company/{domain}"),
        "facebook_company_page": rng.maybe(0.3, f"https://www.facebook.com/{domain}"),
        "twitterhandle": rng.maybe(0.3, domain.partition(".")[0]),
        "numberofemployees": str(rng.randint(1, 5000)),
        "annualrevenue": str(rng.randint(50, 50_000) * 1000),
        "lifecyclestage": rng.choice(STAGES),
        "hs_lead_status": rng.maybe(0.4, "OPEN"),
        "hubspot_owner_id": rng.maybe(0.6, str(rng.randint(1, 9))),
        "num_associated_contacts": "0",
        "num_associated_deals": "0",
        "recent_deal_amount": None,
        "recent_deal_close_date": None,
        "total_revenue": None,
        "createdate": zulu_milliseconds(created),
        "hs_lastmodifieddate": zulu_milliseconds(rng.moment(created, now)),
    }


def change(rng: Chance, current: Payload) -> tuple[str, str]:
    """Name and new value of a property that changes."""
    match rng.choice(("size", "stage", "type")):
        case "size":
            return "numberofemployees", str(int(current["numberofemployees"]) + rng.randint(1, 50))
        case "stage":
            return "lifecyclestage", rng.choice(STAGES)
        case _:
            return "type", rng.choice(TYPES)
