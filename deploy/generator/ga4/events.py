"""One row of the export: what GA4 knows about an event, nested parts as JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson

from deploy.generator.chance import Chance
from deploy.generator.ga4.sessions import Moment

Row = dict[str, Any]

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "client_id": "string", "user_id": "string", "event_name": "string",
        "event_timestamp": "int64", "event_date": "string", "event_params": "string",
        "user_properties": "string", "traffic_source": "string", "device": "string",
        "geo": "string", "page_location": "string", "page_title": "string",
        "page_referrer": "string", "engagement_time_ms": "int64", "is_conversion": "bool",
        "currency": "string", "value": "float64", "session_id": "string",
        "ga_session_number": "int64",
    }
)  # fmt: skip
"""Column → type, in the order of the file."""

PAGES = {
    "/": "Home", "/products": "Products", "/about": "About Us", "/contact": "Contact",
    "/checkout": "Checkout", "/account": "Account",
}  # fmt: skip
SOURCES = {"google": 40, "facebook": 15, "twitter": 5, "email": 15, "direct": 20, "(none)": 5}
_MEDIA = {
    "google": ("organic", "cpc"), "facebook": ("social", "cpc"), "twitter": ("social",),
    "email": ("email",), "direct": ("(none)",), "(none)": ("(none)", "referral"),
}  # fmt: skip
_CAMPAIGNS = ("spring_sale", "summer_promo", "black_friday", "newsletter")
_REFERRERS = (
    "https://www.google.com/", "https://www.facebook.com/", "https://twitter.com/",
)  # fmt: skip
_PLACES = (
    ("US", "California", "San Francisco"), ("US", "New York", "New York"),
    ("UK", "England", "London"), ("Canada", "Ontario", "Toronto"),
    ("Germany", "Bavaria", "Munich"), ("France", "Île-de-France", "Paris"),
)  # fmt: skip
_DEVICES = (
    ("desktop", "Windows", "Chrome", "1920x1080"), ("desktop", "Macintosh", "Safari", "1440x900"),
    ("mobile", "iOS", "Safari", "390x844"), ("mobile", "Android", "Chrome", "412x915"),
    ("tablet", "iOS", "Safari", "820x1180"),
)  # fmt: skip
_LOCATED = frozenset({"page_view", "view_item", "add_to_cart"})
_VALUED = frozenset({"purchase", "add_to_cart", "begin_checkout"})
_CONVERSIONS = frozenset({"purchase", "sign_up"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row(rng: Chance, moment: Moment) -> Row:
    """The event as it is exported; its date is the UTC one."""
    path = rng.choice(tuple(PAGES))
    location = f"https://example.com{path}"
    value = rng.randint(1_000, 50_000) / 100 if moment.name == "purchase" else 0.0
    category, system, browser, resolution = rng.choice(_DEVICES)
    country, region, city = rng.choice(_PLACES)
    happened = _EPOCH + timedelta(microseconds=moment.at)
    return {
        "client_id": moment.visitor.client_id,
        "user_id": moment.visitor.user_id,
        "event_name": moment.name,
        "event_timestamp": moment.at,
        "event_date": f"{happened:%Y%m%d}",
        "event_params": _text(_parameters(rng, moment.name, location, value)),
        "user_properties": "[]",
        "traffic_source": _text(_traffic(rng)),
        "device": _text(
            {
                "category": category,
                "operating_system": system,
                "web_info": {"browser": browser},
                "screen_resolution": resolution,
            }
        ),
        "geo": _text({"country": country, "region": region, "city": city}),
        "page_location": location,
        "page_title": PAGES[path],
        "page_referrer": rng.maybe(0.3, rng.choice(_REFERRERS)),
        "engagement_time_ms": rng.randint(0, 120_000),
        "is_conversion": moment.name in _CONVERSIONS,
        "currency": "USD",
        "value": value,
        "session_id": moment.session,
        "ga_session_number": moment.session_number,
    }


def _parameters(rng: Chance, name: str, location: str, value: float) -> list[Row]:
    engaged = {"int_value": rng.randint(1_000, 60_000)}
    parameters: list[Row] = [{"key": "engagement_time_msec", "value": engaged}]
    if name in _LOCATED:
        parameters.append({"key": "page_location", "value": {"string_value": location}})
    if name in _VALUED:
        worth = value or rng.randint(1_000, 50_000) / 100
        parameters.append({"key": "value", "value": {"double_value": worth}})
        parameters.append({"key": "currency", "value": {"string_value": "USD"}})
    return parameters


def _traffic(rng: Chance) -> Row:
    source = rng.weighted(SOURCES)
    medium = rng.choice(_MEDIA[source])
    named = medium in {"cpc", "email"}
    return {"source": source, "medium": medium, "name": rng.choice(_CAMPAIGNS) if named else ""}


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
