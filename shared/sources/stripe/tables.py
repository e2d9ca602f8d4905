"""Landing tables of Stripe events: the columns describe ``data.object``, the envelope is kept."""

from __future__ import annotations

from shared.contracts.column_types import TimeFormat, Type
from shared.sources.spec import PayloadColumn, RawTable, columns

_ENVELOPE = (
    PayloadColumn("event_api_version", Type.STRING, ("api_version",)),
    PayloadColumn("event_livemode", Type.BOOLEAN, ("livemode",)),
    PayloadColumn("previous_attributes", Type.JSON, ("data", "previous_attributes")),
)


def _table(things: str, doc: str, *groups: tuple[Type, str]) -> RawTable:
    described = columns(*groups, root=("data", "object"), times=TimeFormat.UNIX_SECONDS)
    return RawTable(f"raw.stripe_{things}", doc, (*described, *_ENVELOPE))


CHARGES = _table(
    "charges",
    "Every charge.* event: one row per delivery, all versions of a charge.",
    (
        Type.STRING,
        "id object currency customer payment_intent payment_method receipt_email status "
        "failure_code failure_message failure_balance_transaction balance_transaction "
        "transfer_group on_behalf_of source_transfer invoice application application_fee "
        "statement_descriptor statement_descriptor_suffix calculated_statement_descriptor "
        "receipt_number receipt_url review description",
    ),
    (Type.LONG, "amount amount_captured amount_refunded application_fee_amount"),
    (Type.BOOLEAN, "captured paid refunded disputed livemode"),
    (
        Type.JSON,
        "payment_method_details billing_details shipping outcome fraud_details "
        "transfer_data refunds source metadata",
    ),
    (Type.TIMESTAMP, "created"),
)

CUSTOMERS = _table(
    "customers",
    "Every customer.* event: one row per delivery, all versions of a customer.",
    (
        Type.STRING,
        "id object email name phone currency default_source invoice_prefix tax_exempt "
        "description test_clock",
    ),
    (Type.LONG, "balance next_invoice_sequence"),
    (Type.BOOLEAN, "delinquent livemode"),
    (
        Type.JSON,
        "address shipping invoice_settings preferred_locales discount metadata",
    ),
    (Type.TIMESTAMP, "created"),
)

DISPUTES = _table(
    "disputes",
    "Every charge.dispute.* event: one row per delivery, all versions of a dispute.",
    (Type.STRING, "id object charge payment_intent currency reason status"),
    (Type.LONG, "amount"),
    (Type.BOOLEAN, "is_charge_refundable livemode"),
    (
        Type.JSON,
        "evidence evidence_details balance_transactions payment_method_details metadata",
    ),
    (Type.TIMESTAMP, "created"),
)

PAYMENT_INTENTS = _table(
    "payment_intents",
    "Every payment_intent.* event: one row per delivery, all versions of a payment intent.",
    (
        Type.STRING,
        "id object currency customer status cancellation_reason capture_method "
        "confirmation_method description invoice latest_charge on_behalf_of payment_method "
        "receipt_email review setup_future_usage statement_descriptor "
        "statement_descriptor_suffix transfer_group application source",
    ),
    (Type.LONG, "amount amount_capturable amount_received application_fee_amount"),
    (Type.BOOLEAN, "livemode"),
    (
        Type.JSON,
        "amount_details automatic_payment_methods last_payment_error next_action "
        "payment_method_options payment_method_types processing shipping transfer_data metadata",
    ),
    (Type.TIMESTAMP, "canceled_at created"),
)

INVOICES = _table(
    "invoices",
    "Every invoice.* event: one row per delivery, all versions of an invoice.",
    (
        Type.STRING,
        "id object number currency customer customer_email customer_name customer_phone "
        "customer_tax_exempt status billing_reason collection_method charge payment_intent "
        "subscription default_payment_method default_source description footer account_country "
        "account_name hosted_invoice_url invoice_pdf on_behalf_of quote receipt_number "
        "statement_descriptor",
    ),
    (
        Type.LONG,
        "amount_due amount_paid amount_remaining amount_shipping application_fee_amount "
        "attempt_count starting_balance ending_balance pre_payment_credit_notes_amount "
        "post_payment_credit_notes_amount subtotal subtotal_excluding_tax tax total "
        "total_excluding_tax",
    ),
    (Type.BOOLEAN, "attempted auto_advance livemode paid paid_out_of_band"),
    (
        Type.JSON,
        "automatic_tax customer_address customer_shipping customer_tax_ids default_tax_rates "
        "discounts lines payment_settings status_transitions total_tax_amounts metadata",
    ),
    (
        Type.TIMESTAMP,
        "created due_date effective_at next_payment_attempt period_start period_end "
        "webhooks_delivered_at",
    ),
)

SUBSCRIPTIONS = _table(
    "subscriptions",
    "Every customer.subscription.* event: one row per delivery, all versions of a subscription.",
    (
        Type.STRING,
        "id object currency customer status collection_method default_payment_method "
        "default_source description latest_invoice on_behalf_of pending_setup_intent schedule",
    ),
    (Type.LONG, "days_until_due quantity"),
    (Type.BOOLEAN, "cancel_at_period_end livemode"),
    (
        Type.JSON,
        "automatic_tax billing_thresholds cancellation_details default_tax_rates discount "
        "discounts items pause_collection payment_settings pending_update plan transfer_data "
        "trial_settings metadata",
    ),
    (
        Type.TIMESTAMP,
        "billing_cycle_anchor cancel_at canceled_at created current_period_start "
        "current_period_end ended_at next_pending_invoice_item_invoice start_date trial_start "
        "trial_end",
    ),
)

REFUNDS = _table(
    "refunds",
    "Every refund.* and charge.refund.* event: one row per delivery, all versions of a refund.",
    (
        Type.STRING,
        "id object charge payment_intent balance_transaction currency reason status description "
        "failure_reason failure_balance_transaction receipt_number source_transfer_reversal "
        "transfer_reversal",
    ),
    (Type.LONG, "amount"),
    (Type.JSON, "destination_details next_action metadata"),
    (Type.TIMESTAMP, "created"),
)

EVENTS = _table(
    "events",
    "Events of every other type, one row per delivery; what they are about is in _payload.",
    (Type.STRING, "id object"),
    (Type.BOOLEAN, "livemode"),
    (Type.JSON, "metadata"),
    (Type.TIMESTAMP, "created"),
)
