"""Landing tables of HubSpot's CRM objects: what the event says, and ``properties`` where it has it.

The vendor's events are thin: they name an object and at most one of its properties, so most
columns are null and state is folded below. Expanded events carry the object in ``properties``,
whose values are text; numbers, times and truth values are read from it all the same.
"""

from __future__ import annotations

from shared.contracts.column_types import TimeFormat, Type
from shared.sources.spec import PayloadColumn, RawTable, columns

_PROPERTIES = ("properties",)


def _event() -> tuple[PayloadColumn, ...]:
    """What all events have, and what merges and changed associations have."""
    return (
        PayloadColumn("object_id", Type.STRING, ("objectId",)),
        PayloadColumn("property_name", Type.STRING, ("propertyName",)),
        PayloadColumn("property_value", Type.STRING, ("propertyValue",)),
        PayloadColumn("change_source", Type.STRING, ("changeSource",)),
        PayloadColumn("occurred_at", Type.TIMESTAMP, ("occurredAt",), TimeFormat.UNIX_MILLISECONDS),
        PayloadColumn("attempt_number", Type.INT, ("attemptNumber",)),
        PayloadColumn("portal_id", Type.LONG, ("portalId",)),
        PayloadColumn("subscription_id", Type.LONG, ("subscriptionId",)),
        PayloadColumn("app_id", Type.LONG, ("appId",)),
        PayloadColumn("change_flag", Type.STRING, ("changeFlag",)),
        PayloadColumn("source_id", Type.STRING, ("sourceId",)),
        PayloadColumn("object_type_id", Type.STRING, ("objectTypeId",)),
        PayloadColumn("is_sensitive", Type.BOOLEAN, ("isSensitive",)),
        PayloadColumn("primary_object_id", Type.STRING, ("primaryObjectId",)),
        PayloadColumn("merged_object_ids", Type.JSON, ("mergedObjectIds",)),
        PayloadColumn("new_object_id", Type.STRING, ("newObjectId",)),
        PayloadColumn("association_type", Type.STRING, ("associationType",)),
        PayloadColumn("from_object_id", Type.STRING, ("fromObjectId",)),
        PayloadColumn("to_object_id", Type.STRING, ("toObjectId",)),
        PayloadColumn("association_removed", Type.BOOLEAN, ("associationRemoved",)),
    )


def _table(
    name: str, doc: str, *groups: tuple[Type, str], beside: tuple[PayloadColumn, ...] = ()
) -> RawTable:
    """A table of one object.

    Args:
        name: of the table.
        doc: one sentence.
        groups: properties by type, from (type, names separated by spaces).
        beside: columns beside ``properties``.
    """
    return RawTable(
        name,
        doc,
        (
            PayloadColumn("id", Type.STRING, ("id",)),
            *columns(*groups, root=_PROPERTIES),
            *beside,
            PayloadColumn("properties", Type.JSON, _PROPERTIES),
            *_event(),
        ),
    )


CONTACTS = _table(
    "raw.hubspot_contacts",
    "Every contact event: one row per event, thin or with the contact's properties.",
    (
        Type.STRING,
        "hs_object_id email firstname lastname phone mobilephone address city state zip country "
        "company jobtitle lifecyclestage hs_lead_status website hs_analytics_source "
        "hs_analytics_first_url",
    ),
    (Type.LONG, "hs_analytics_num_page_views hs_analytics_num_visits"),
    (Type.BOOLEAN, "hs_email_optout"),
    (Type.TIMESTAMP, "createdate lastmodifieddate"),
    # Expanded events carry the company beside the properties only.
    beside=(PayloadColumn("associatedcompanyid", Type.STRING, ("associatedcompanyid",)),),
)

COMPANIES = _table(
    "raw.hubspot_companies",
    "Every company event: one row per event, thin or with the company's properties.",
    (
        Type.STRING,
        "hs_object_id name domain description industry type phone address city state zip country "
        "timezone website linkedin_company_page facebook_company_page twitterhandle "
        "lifecyclestage hs_lead_status hubspot_owner_id",
    ),
    (Type.LONG, "numberofemployees num_associated_contacts num_associated_deals"),
    (Type.DECIMAL_18_2, "annualrevenue recent_deal_amount total_revenue"),
    (
        Type.TIMESTAMP,
        "notes_last_contacted notes_last_updated notes_next_activity_date "
        "recent_deal_close_date createdate lastmodifieddate hs_lastmodifieddate",
    ),
)

DEALS = _table(
    "raw.hubspot_deals",
    "Every deal event: one row per event, thin or with the deal's properties.",
    (
        Type.STRING,
        "hs_object_id dealname dealstage pipeline dealtype hs_priority hs_forecast_category "
        "hs_deal_stage_probability hs_forecast_probability hubspot_owner_id associatedcompanyid",
    ),
    (Type.DECIMAL_18_2, "amount hs_forecast_amount hs_projected_amount"),
    (Type.BOOLEAN, "hs_is_closed hs_is_closed_won"),
    (Type.TIMESTAMP, "closedate createdate lastmodifieddate hs_lastmodifieddate"),
)

EVENTS = RawTable(
    "raw.hubspot_events",
    "Every event of other subscription types: one row per event.",
    (*_event(), PayloadColumn("properties", Type.JSON, _PROPERTIES)),
)
