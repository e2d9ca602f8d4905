"""Landing tables of Mailchimp: the members of an audience, campaigns, and what people did.

The vendor's forms nest under ``data``; flat JSON has the same facts at the root. Both look alike
once read (``reading.py``), and what only forms say has columns of its own, from ``data``.
"""

from __future__ import annotations

from shared.contracts.column_types import Type
from shared.sources.spec import PayloadColumn, RawTable, columns

_DATA = ("data",)


def _form() -> tuple[PayloadColumn, ...]:
    """What every form has, beside what is read from it."""
    return (
        PayloadColumn("type", Type.STRING, ("type",)),
        PayloadColumn("fired_at", Type.STRING, ("fired_at",)),
        PayloadColumn("data", Type.JSON, _DATA),
    )


SUBSCRIBERS = RawTable(
    "raw.mailchimp_subscribers",
    "Every change of an audience's member: one row per delivery.",
    (
        *columns(
            (
                Type.STRING,
                "subscriber_id email_address email_type status list_id ip_signup ip_opt language "
                "source phone sms_status",
            ),
            (Type.JSON, "merge_fields stats tags"),
            (Type.BOOLEAN, "vip"),
            (Type.TIMESTAMP, "timestamp_signup timestamp_opt last_changed"),
        ),
        *_form(),
        PayloadColumn("member_id", Type.STRING, ("data", "id")),
        *columns(
            (Type.STRING, "web_id action reason campaign_id new_id new_email old_email"),
            root=_DATA,
        ),
    ),
)

CAMPAIGNS = RawTable(
    "raw.mailchimp_campaigns",
    "Every change of a campaign: one row per delivery.",
    (
        *columns(
            (
                Type.STRING,
                "campaign_id campaign_type status list_id subject_line preview_text from_name "
                "from_email reply_to content_type",
            ),
            (Type.INT, "emails_sent opens unique_opens clicks unique_clicks unsubscribes bounces"),
            (Type.DECIMAL_5_4, "open_rate click_rate"),
            (Type.JSON, "settings tracking"),
            (Type.TIMESTAMP, "send_time"),
        ),
        *_form(),
        *columns((Type.STRING, "reason"), root=_DATA),
    ),
)

EVENTS = RawTable(
    "raw.mailchimp_events",
    "Everything that a person did with a campaign, and every other type: one row per delivery.",
    (
        *columns(
            (
                Type.STRING,
                "event_id campaign_id email_id email_address action url ip user_agent "
                "bounce_type list_id",
            ),
            (Type.JSON, "location"),
        ),
        PayloadColumn("event_timestamp", Type.TIMESTAMP, ("timestamp",)),
        *_form(),
    ),
)
