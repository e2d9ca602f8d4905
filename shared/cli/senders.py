"""Who can be asked to send something, and what of it happens how often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deploy.generator.delivery import Source
    from deploy.generator.rates import Rates


class Vendor(StrEnum):
    """Who can be asked to send something."""

    SHOPIFY = "shopify"
    STRIPE = "stripe"
    HUBSPOT = "hubspot"
    MAILCHIMP = "mailchimp"
    STANDARD = "standard"
    GA4 = "ga4"


def rates_of(
    updated: float,
    deleted: float,
    redelivered: float,
    out_of_order: float,
    malformed: float,
    shared: float,
) -> Rates:
    """The rates that were asked for.

    Raises:
        ConfigurationError: together they are more than everything.
    """
    from deploy.generator.rates import Rates
    from shared.runtime.errors import ConfigurationError

    try:
        return Rates(updated, deleted, redelivered, out_of_order, malformed, shared)
    except ValueError as error:
        raise ConfigurationError(f"rates: {error}", "lower some of them") from None


def topics_of(vendors: Sequence[Vendor]) -> list[str]:
    """All that these vendors tell about."""
    from deploy.generator.happenings import TOPICS

    return [topic for topic in TOPICS if topic.partition(".")[0] in vendors]


def senders(chosen: list[Vendor] | None, secrets: Callable[[str], Any]) -> list[Vendor]:
    """Who posts: those chosen, or all that the settings hold a secret of.

    Raises:
        ConfigurationError: nobody does, or one who exports files.
    """
    from shared.runtime.errors import ConfigurationError

    if chosen and Vendor.GA4 in chosen:
        raise ConfigurationError(
            "GA4 posts nothing, it exports files", "`bergline generate files DIR --source ga4`"
        )
    known = [vendor for vendor in Vendor if vendor is not Vendor.GA4]
    found = chosen or [vendor for vendor in known if secrets(vendor).get_secret_value().strip(", ")]
    if not found:
        raise ConfigurationError(
            "the settings hold no secret of any vendor: nothing can be signed",
            "point BERGLINE_DATA_DIR at the platform's data directory, or set "
            "BERGLINE_INGEST_SHOPIFY_SECRETS",
        )
    return found


def name_of(vendor: Vendor) -> Source:
    """As the generator names the vendor."""
    from typing import cast

    return cast("Source", vendor.value)
