"""What readers do with a campaign: it is sent, opened, clicked, bounces; always as JSON."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace
from deploy.generator.mailchimp.subscribers import iso
from deploy.generator.payload import Payload

ACTIONS = {
    "sent": 40, "open": 25, "click": 15, "bounce": 8, "unsub": 5, "sms_sent": 5, "sms_click": 2,
}  # fmt: skip
_URLS = ("https://www.example.com/products?utm_source=mail&id=1", "https://www.example.com/sale")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
)


def engagement(
    ids: IdSpace, rng: Chance, campaign: Payload, subscriber: Payload, now: datetime
) -> Payload:
    """One thing that one subscriber did with one campaign, in the last 30 days."""
    action = rng.weighted(ACTIONS)
    email = subscriber["email_address"]
    pair = f"{email.lower()}:{campaign['campaign_id']}".encode()
    seen = action in {"open", "click"}
    return {
        "event_id": f"evt_{ids.run:04}{ids.count('engagement'):012}",
        "campaign_id": campaign["campaign_id"],
        "email_id": hashlib.md5(pair, usedforsecurity=False).hexdigest()[:12],
        "email_address": email,
        "action": action,
        "type": action,
        "timestamp": iso(rng.moment(now - timedelta(days=30), now)),
        "url": rng.choice(_URLS) if action in {"click", "sms_click"} else None,
        "ip": ".".join(str(rng.randint(1, 254)) for _ in range(4)) if seen else None,
        "user_agent": rng.choice(_AGENTS) if seen else None,
        "location": {
            "latitude": round(rng.uniform(25, 48), 4),
            "longitude": round(rng.uniform(-120, -70), 4),
            "country_code": "US",
            "region": rng.choice(("CA", "NY", "TX", "WA", "FL")),
        }
        if seen
        else None,
        "bounce_type": rng.choice(("hard", "soft")) if action == "bounce" else None,
        "list_id": campaign["list_id"],
        "_webhook_event_type": action,
    }
