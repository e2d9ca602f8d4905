"""Mailchimp requests as the vendor sends them, with an invented secret in the address."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.sources.spec import Example, Expected

_SECRET = "mailchimp_test_secret"  # noqa: S105 invented
_PATH = f"/webhooks/mailchimp/webhook?secret={_SECRET}"
_AT = 1_238_103_357
_FIRED = datetime(2009, 3, 26, 21, 35, 57, tzinfo=UTC)
_ADA = "3e3417d7ef77d5932a6734b916515ed5"
"""MD5 of ada@example.com."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "MailChimp"}
_JSON = {"Content-Type": "application/json"}
_GUIDE = "mailchimp.com/developer, Sync Audience Data with Webhooks, with another person"


def _form(name: str, body: bytes, *becomes: Expected) -> Example:
    return Example(
        name=name,
        path=_PATH,
        headers=_FORM,
        body=body,
        secret=_SECRET,
        at=_AT,
        becomes=becomes,
        source=_GUIDE,
    )


def _json(name: str, body: bytes, *becomes: Expected) -> Example:
    return Example(
        name=name,
        path=_PATH,
        headers=_JSON,
        body=body,
        secret=_SECRET,
        at=_AT,
        becomes=becomes,
        source="flat JSON, as test senders and engagement feeds write it",
    )


def _member(event_type: str) -> Expected:
    return Expected(
        topic="mailchimp.subscribers", key=_ADA, event_type=event_type, event_time=_FIRED
    )


_SINCE = b"fired_at=2009-03-26+21%3A35%3A57&"

EXAMPLES = (
    _form(
        "subscribe",
        b"type=subscribe&" + _SINCE + b"data[id]=8a25ff1d98&data[list_id]=a6b5da1054&"
        b"data[email]=Ada%40Example.com&data[email_type]=html&data[ip_opt]=10.20.10.30&"
        b"data[ip_signup]=10.20.10.30&data[web_id]=3375995&data[merges][EMAIL]=Ada%40Example.com&"
        b"data[merges][FNAME]=Ada&data[merges][LNAME]=Lovelace&"
        b"data[merges][PHONE]=%2B15551234567&data[merges][INTERESTS]=Group1%2CGroup2&"
        b"data[merges][ADDRESS][addr1]=1+Main+St&data[merges][ADDRESS][city]=Berlin",
        _member("subscribe"),
    ),
    _form(
        "unsubscribe",
        b"type=unsubscribe&" + _SINCE + b"data[action]=unsub&data[reason]=manual&"
        b"data[id]=8a25ff1d98&data[list_id]=a6b5da1054&data[email]=ada%40example.com&"
        b"data[email_type]=html&data[ip_opt]=10.20.10.30&data[campaign_id]=4fjk2ma9xd&"
        b"data[merges][EMAIL]=ada%40example.com&data[merges][FNAME]=Ada",
        _member("unsubscribe"),
    ),
    _form(
        "profile",
        b"type=profile&" + _SINCE + b"data[id]=8a25ff1d98&data[list_id]=a6b5da1054&"
        b"data[email]=ada%40example.com&data[email_type]=html&data[ip_opt]=10.20.10.30&"
        b"data[merges][EMAIL]=ada%40example.com&data[merges][LNAME]=King",
        _member("profile"),
    ),
    _form(
        "upemail",
        b"type=upemail&" + _SINCE + b"data[list_id]=a6b5da1054&data[new_id]=51da8c3259&"
        b"data[new_email]=ada%40example.com&data[old_email]=augusta%40example.com",
        _member("upemail"),
    ),
    _form(
        "cleaned",
        b"type=cleaned&" + _SINCE + b"data[list_id]=a6b5da1054&data[campaign_id]=4fjk2ma9xd&"
        b"data[reason]=hard&data[email]=ada%40example.com",
        _member("cleaned"),
    ),
    _form(
        "campaign",
        b"type=campaign&" + _SINCE + b"data[id]=5aa2102003&data[subject]=Test+Campaign+Subject&"
        b"data[status]=sent&data[reason]=&data[list_id]=a6b5da1054",
        Expected(
            topic="mailchimp.campaigns",
            key="5aa2102003",
            event_type="campaign",
            event_time=_FIRED,
        ),
    ),
    _json(
        "flat-subscriber",
        b'{"subscriber_id":"3e3417d7ef77d5932a6734b916515ed5","email_address":"ada@example.com",'
        b'"email_type":"html","status":"subscribed","merge_fields":{"FNAME":"Ada",'
        b'"LNAME":"Lovelace","PHONE":""},"stats":{"avg_open_rate":0.25,"avg_click_rate":0.05},'
        b'"list_id":"a6b5da1054","tags":[{"id":1,"name":"vip"}],"vip":false,'
        b'"timestamp_signup":"2009-03-26T21:30:00+00:00",'
        b'"last_changed":"2009-03-26T21:35:57+00:00","_webhook_event_type":"subscribe"}',
        _member("subscribe"),
    ),
    _json(
        "flat-campaign",
        b'{"type":"campaign","campaign_id":"000000000a","campaign_type":"regular",'
        b'"status":"sent","list_id":"a6b5da1054","subject_line":"Hello","emails_sent":1000,'
        b'"opens":250,"unique_opens":200,"open_rate":0.2,"click_rate":0.0123,'
        b'"send_time":"2009-03-26T21:35:57+00:00"}',
        Expected(
            topic="mailchimp.campaigns",
            key="000000000a",
            event_type="campaign",
        ),
    ),
    _json(
        "flat-open",
        b'{"event_id":"evt_000000000001","campaign_id":"000000000a","email_id":"3e3417d7ef77",'
        b'"email_address":"ada@example.com","action":"open",'
        b'"timestamp":"2009-03-26T21:35:57+00:00","ip":"10.20.10.30",'
        b'"location":{"latitude":52.5,"longitude":13.4,"country_code":"DE","region":"BE"},'
        b'"list_id":"a6b5da1054","_webhook_event_type":"open"}',
        Expected(
            topic="mailchimp.events",
            key=_ADA,
            event_id="evt_000000000001",
            event_type="open",
            event_time=_FIRED,
        ),
    ),
)
