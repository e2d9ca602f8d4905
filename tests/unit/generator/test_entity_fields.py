"""What each vendor's object holds, name by name: nothing is lacking, nothing is made up.

Values and types of orders, customers, products and charges are in ``test_payload_fields``.
"""

import json
from collections import defaultdict
from itertools import islice
from typing import Any

import pytest

from deploy.generator.happenings import TOPICS
from deploy.generator.plan import stream

STRIPE = {
    "payment_intent": """
        id object amount amount_capturable amount_details amount_received application
        application_fee_amount automatic_payment_methods canceled_at cancellation_reason
        capture_method client_secret confirmation_method created currency customer description
        invoice last_payment_error latest_charge livemode metadata next_action on_behalf_of
        payment_method payment_method_options payment_method_types processing receipt_email review
        setup_future_usage shipping source statement_descriptor statement_descriptor_suffix status
        transfer_data transfer_group
    """,
    "subscription": """
        id object automatic_tax billing_cycle_anchor cancel_at_period_end canceled_at
        collection_method created currency current_period_start current_period_end customer ended_at
        items latest_invoice livemode metadata status trial_start trial_end
    """,
    "refund": """
        id object amount balance_transaction charge created currency destination_details metadata
        payment_intent reason receipt_number source_transfer_reversal status transfer_reversal
    """,
    "dispute": """
        id object amount charge created currency evidence evidence_details is_charge_refundable
        livemode metadata payment_intent payment_method_details reason status
    """,
}
HUBSPOT = {
    "contact": """
        hs_object_id email firstname lastname phone mobilephone company associatedcompanyid jobtitle
        lifecyclestage hs_lead_status address city state zip country website hs_analytics_source
        hs_analytics_first_url hs_analytics_num_page_views hs_analytics_num_visits hs_email_optout
        createdate lastmodifieddate
    """,
    "company": """
        hs_object_id name domain description industry type phone address city state zip country
        timezone website numberofemployees annualrevenue lifecyclestage hs_lead_status
        hubspot_owner_id num_associated_contacts num_associated_deals recent_deal_amount
        recent_deal_close_date total_revenue createdate
    """,
    "deal": """
        hs_object_id dealname dealstage pipeline amount closedate dealtype hs_priority
        hs_deal_stage_probability hs_forecast_amount hs_projected_amount hs_is_closed
        hs_is_closed_won hubspot_owner_id createdate
    """,
    "engagement": "hs_object_id hs_engagement_type hs_timestamp hs_body_preview",
}
THIN = """
    eventId subscriptionId portalId appId occurredAt subscriptionType attemptNumber objectId
    changeSource
"""
MAILCHIMP = {
    "subscribers": """
        subscriber_id email_address email_type status merge_fields stats list_id tags ip_signup
        ip_opt timestamp_signup timestamp_opt last_changed language vip source phone sms_status
        _webhook_event_type
    """,
    "campaigns": """
        campaign_id campaign_type status list_id subject_line preview_text from_name from_email
        reply_to send_time content_type emails_sent opens unique_opens clicks unique_clicks
        unsubscribes bounces open_rate click_rate settings tracking _webhook_event_type
    """,
    "events": """
        event_id campaign_id email_id email_address action timestamp url ip user_agent location
        bounce_type list_id _webhook_event_type
    """,
}
FORMS = {
    "subscribe": "list_id email id web_id email_type ip_opt ip_signup merges",
    "profile": "list_id email id web_id email_type ip_opt ip_signup merges",
    "unsubscribe": "list_id email id web_id email_type ip_opt ip_signup merges action reason",
    "cleaned": "list_id campaign_id reason email",
    "upemail": "list_id new_id new_email old_email",
    "campaign": "id subject status reason list_id",
}
"""Mailchimp's forms: what stands in ``data``."""


@pytest.fixture(scope="module")
def found() -> dict[str, list[dict[str, Any]]]:
    """Objects by vendor and kind."""
    from deploy.generator.records import records

    objects: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for delivery in islice(stream(21, topics=TOPICS), 3_000):
        for record in records(delivery):
            if record.fields is not None:
                objects[f"form {record.event_type}"].append(dict(record.fields["data"]))
                continue
            told = json.loads(record.body or b"")
            if delivery.source == "stripe":
                thing = told["data"]["object"]
                objects[f"stripe {thing['object']}"].append(thing)
            elif delivery.source == "hubspot":
                objects["hubspot event"].append(told)
                if "properties" in told:
                    kind = told["subscriptionType"].partition(".")[0]
                    objects[f"hubspot {kind}"].append(told["properties"])
            elif delivery.source == "mailchimp":
                objects[record.topic].append(told)
    return objects


def lacking(objects: list[dict[str, Any]], names: str) -> set[str]:
    assert objects
    return {name for name in names.split() for one in objects if name not in one}


@pytest.mark.parametrize("kind", STRIPE)
def test_a_stripe_object_is_whole(found: dict[str, list[dict[str, Any]]], kind: str) -> None:
    assert not lacking(found[f"stripe {kind}"], STRIPE[kind])


@pytest.mark.parametrize("kind", HUBSPOT)
def test_hubspots_properties_are_texts_and_whole(
    found: dict[str, list[dict[str, Any]]], kind: str
) -> None:
    objects = found[f"hubspot {kind}"]

    assert not lacking(objects, HUBSPOT[kind])
    assert {type(value) for one in objects for value in one.values()} == {str, type(None)}


def test_every_hubspot_event_has_its_envelope(found: dict[str, list[dict[str, Any]]]) -> None:
    assert not lacking(found["hubspot event"], THIN)


@pytest.mark.parametrize("kind", MAILCHIMP)
def test_mailchimps_flat_json_is_whole(found: dict[str, list[dict[str, Any]]], kind: str) -> None:
    objects = found[f"mailchimp.{kind}"]

    assert not lacking(objects, MAILCHIMP[kind])
    assert {name for one in objects for name in one} - {*MAILCHIMP[kind].split()} <= {"type"}


@pytest.mark.parametrize("type_", FORMS)
def test_mailchimps_forms_hold_what_the_vendor_posts(
    found: dict[str, list[dict[str, Any]]], type_: str
) -> None:
    objects = found[f"form {type_}"]
    names = {name for one in objects for name in one}

    assert not lacking(objects, FORMS[type_])
    assert names - {*FORMS[type_].split()} <= {"campaign_id"}
