"""Landing tables of Stripe events: the columns describe ``data.object``, the envelope is kept."""

from __future__ import annotations

from shared.tables.raw.landing import landing_table
from shared.tables.spec import Type

_OBJECT = ("data", "object")
_ENVELOPE = (
    ("event_api_version", Type.STRING, ("api_version",)),
    ("event_livemode", Type.BOOLEAN, ("livemode",)),
    ("previous_attributes", Type.JSON, ("data", "previous_attributes")),
)

CHARGES = landing_table(
    "raw.stripe_charges",
    "stripe.charges",
    "Every charge.* event: one row per delivery, all versions of a charge.",
    (
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
    ),
    root=_OBJECT,
    nested=_ENVELOPE,
    unix_seconds=frozenset({"created"}),
)

CUSTOMERS = landing_table(
    "raw.stripe_customers",
    "stripe.customers",
    "Every customer.* event: one row per delivery, all versions of a customer.",
    (
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
    ),
    root=_OBJECT,
    nested=_ENVELOPE,
    unix_seconds=frozenset({"created"}),
)
