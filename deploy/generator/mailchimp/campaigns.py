"""Mailchimp's campaign: drafted, scheduled, sent, and its counts as readers open it."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.mailchimp.subscribers import envelope, iso
from deploy.generator.payload import Payload

TYPES = ("regular", "plaintext", "absplit", "rss", "variate", "automation", "sms")
STATUS = {"save": 15, "paused": 5, "schedule": 15, "sending": 5, "sent": 60}
SUBJECTS = ("Autumn offers & news", "Your weekly digest", "Back in stock", "Grüße aus dem Lager")
_COUNTS = ("opens", "unique_opens", "clicks", "unique_clicks", "unsubscribes", "bounces")
_IDS_OF_A_RUN = 16**6


def campaign_id(ids: IdSpace) -> str:
    """Ten hexadecimal digits: four of the run, six that count."""
    return f"{ids.run:04x}{ids.count('campaign', _IDS_OF_A_RUN):06x}"


def campaign(ids: IdSpace, rng: Chance, list_id: str, now: datetime) -> Payload:
    """A campaign to one list; only a sent one has been read."""
    status = rng.weighted(STATUS)
    return {
        "campaign_id": campaign_id(ids),
        "campaign_type": rng.choice(TYPES),
        "status": status,
        "list_id": list_id,
        "subject_line": rng.choice(SUBJECTS),
        "preview_text": "Have a look inside.",
        "from_name": "Example Store",
        "from_email": "news@example.com",
        "reply_to": "reply@example.com",
        "send_time": iso(rng.moment(now - timedelta(days=182), now)),
        "content_type": rng.choice(("template", "html", "url", "multichannel")),
        **(_read(rng) if status == "sent" else _unread()),
        "settings": {"auto_footer": False, "use_conversation": False, "authenticate": True},
        "tracking": {
            "opens": True, "html_clicks": True, "text_clicks": False, "google_analytics": "",
        },
    }  # fmt: skip


def next_version(rng: Chance, current: Payload, moment: datetime) -> Payload:
    """The campaign as it is next: sent, or read by more people."""
    sent = {**current, "status": "sent", **_read(rng)}
    if current["status"] != "sent":
        return {**sent, "send_time": iso(moment)}
    emails = current["emails_sent"]
    grown = {name: current[name] for name in _COUNTS}
    grown["opens"] += rng.randint(0, 50)
    grown["unique_opens"] = min(emails, grown["opens"], grown["unique_opens"] + rng.randint(0, 20))
    return {**current, **grown, **_rates(emails, grown)}


def form_of(state: Payload, moment: datetime) -> Payload:
    """The fields that the vendor posts when a campaign has been sent, or was not."""
    data = {
        "id": state["campaign_id"],
        "subject": state["subject_line"],
        "status": state["status"],
        "reason": "",
        "list_id": state["list_id"],
    }
    return envelope("campaign", moment, data)


def _unread() -> Payload:
    return {"emails_sent": 0, **dict.fromkeys(_COUNTS, 0), "open_rate": 0.0, "click_rate": 0.0}


def _read(rng: Chance) -> Payload:
    emails = rng.randint(500, 50_000)
    opens = emails * rng.randint(10, 45) // 100
    clicks = emails * rng.randint(2, 15) // 100
    counts = {
        "opens": opens,
        "unique_opens": opens * rng.randint(60, 90) // 100,
        "clicks": clicks,
        "unique_clicks": clicks * rng.randint(50, 85) // 100,
        "unsubscribes": emails * rng.randint(1, 20) // 1000,
        "bounces": emails * rng.randint(1, 8) // 100,
    }
    return {"emails_sent": emails, **counts, **_rates(emails, counts)}


def _rates(emails: int, counts: Payload) -> Payload:
    return {
        "open_rate": round(counts["unique_opens"] / emails, 4),
        "click_rate": round(counts["unique_clicks"] / emails, 4),
    }
