"""HubSpot requests as the vendor sends them, signed with an invented secret."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.sources.spec import Example, Expected

_PATH = "/webhooks/hubspot/webhook"
_URL = "https://api.example.com"
_SECRET = "hub_test_secret"  # noqa: S105 invented
_AT = 1_700_000_000
_THEN = datetime(2023, 11, 14, 22, 13, 19, 123000, tzinfo=UTC)


def _headers(signature: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/)",
        "X-HubSpot-Request-Timestamp": "1700000000000",
        "X-HubSpot-Signature-v3": signature,
    }


_OF_APP = b'"portalId":62515,"appId":54321,"occurredAt":1699999999123,"attemptNumber":0'

EXAMPLES = (
    Example(
        name="least",
        path=_PATH,
        headers=_headers("AleCG+WPP4uuKONqk5O0Odcx1+s0JhAiDF6xO2Kxj30="),
        body=b'[{"eventId":1,"subscriptionType":"contact.creation","objectId":42}]',
        secret=_SECRET,
        at=_AT,
        becomes=(Expected(topic="hubspot.contacts", key="42", event_type="contact.creation"),),
        public_url=_URL,
        source="signed with Python's hmac",
    ),
    Example(
        name="thin",
        path=_PATH,
        headers=_headers("coeqK1FmOA2YRGwFUlFSR5zATLyRGeowLYXBzdM9xtY="),
        body=(
            b'[{"eventId":3181526809,"subscriptionId":12345,' + _OF_APP + b","
            b'"subscriptionType":"contact.propertyChange","objectId":1246965,'
            b'"propertyName":"lifecyclestage","propertyValue":"subscriber","changeSource":"CRM"},'
            b'{"eventId":3181526810,"subscriptionId":12346,' + _OF_APP + b","
            b'"subscriptionType":"company.merge","objectId":7003,"changeSource":"CRM_UI",'
            b'"primaryObjectId":7001,"mergedObjectIds":[7002],"newObjectId":7003,'
            b'"numberOfPropertiesMoved":3},'
            b'{"eventId":3181526811,"subscriptionId":12347,' + _OF_APP + b","
            b'"subscriptionType":"deal.associationChange","changeSource":"USER",'
            b'"associationType":"DEAL_TO_CONTACT","fromObjectId":300001,"toObjectId":1246965,'
            b'"associationRemoved":false,"isPrimaryAssociation":false},'
            b'{"eventId":3181526812,"subscriptionId":12348,' + _OF_APP + b","
            b'"subscriptionType":"object.creation","objectTypeId":"0-1","objectId":1246966,'
            b'"changeFlag":"CREATED","changeSource":"CRM_UI","sourceId":"userId:45678"},'
            b'{"eventId":3181526813,"subscriptionId":12349,' + _OF_APP + b","
            b'"subscriptionType":"conversation.newMessage","objectId":11299,'
            b'"messageId":"c79d7aef","messageType":"MESSAGE","changeFlag":"NEW_MESSAGE"}]'
        ),
        secret=_SECRET,
        at=_AT,
        becomes=(
            Expected(
                topic="hubspot.contacts",
                key="1246965",
                event_id="62515-12345-3181526809",
                event_type="contact.propertyChange",
                event_time=_THEN,
            ),
            Expected(topic="hubspot.companies", key="7003", event_type="company.merge"),
            Expected(topic="hubspot.deals", key="300001", event_type="deal.associationChange"),
            Expected(topic="hubspot.contacts", key="1246966", event_type="contact.creation"),
            Expected(topic="hubspot.events", key="11299", event_type="conversation.newMessage"),
        ),
        public_url=_URL,
        source="developers.hubspot.com, Webhooks API, shortened; signed with Python's hmac",
    ),
    Example(
        name="expanded",
        path=_PATH,
        headers=_headers("e8M6vSlc7LJfVWjlfb29TxaeooCRV8nyYRen2m53unY="),
        body=(
            b'[{"subscriptionType":"contact.creation","objectId":"100000",'
            b'"occurredAt":1699999999123,"properties":{"email":"ada@example.com",'
            b'"firstname":"Ada","lastname":"Lovelace","lifecyclestage":"customer",'
            b'"hs_analytics_num_page_views":"12","hs_email_optout":"false",'
            b'"createdate":"2023-11-14T22:13:19.123Z","hs_object_id":"100000"}},'
            b'{"subscriptionType":"deal.creation","objectId":"300000",'
            b'"occurredAt":1699999999123,"properties":{"dealname":"Engines","amount":"1234.50",'
            b'"dealstage":"closedwon","hs_is_closed":"true","hs_object_id":"300000"}}]'
        ),
        secret=_SECRET,
        at=_AT,
        becomes=(
            Expected(
                topic="hubspot.contacts",
                key="100000",
                event_type="contact.creation",
                event_time=_THEN,
            ),
            Expected(
                topic="hubspot.deals", key="300000", event_type="deal.creation", event_time=_THEN
            ),
        ),
        public_url=_URL,
        source="events with the whole object; signed with Python's hmac",
    ),
)
