"""Whose records the entity index maps, and where they are staged."""

from __future__ import annotations

from dataclasses import dataclass

INDEX = "semantic.entity_index"
"""One row per (entity_type, source, source_id), with the unified id that it belongs to."""

ENTITY_TYPE = "customer"


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of record that is somebody.

    Attributes:
        name: what the index calls it.
        table: where its records are staged.
        id_column: column of ``table`` that is the index's ``source_id``, as text.
        where: SQL condition of the rows that count; empty for all. Rows without an id never do.
    """

    name: str
    table: str
    id_column: str
    where: str = ""


SOURCES = (
    Source("shopify_customers", "staging.stg_shopify_customers", "customer_id"),
    Source("hubspot_contacts", "staging.stg_hubspot_contacts", "contact_id"),
    Source("stripe_customers", "staging.stg_stripe_customers", "customer_id"),
    Source("mailchimp_subscribers", "staging.stg_mailchimp_subscribers", "subscriber_id_token"),
    # A device that nobody signed in on is nobody: it stays outside of the index.
    Source("ga4_sessions", "staging.stg_ga4_sessions", "client_id", "user_id_token <> ''"),
)
