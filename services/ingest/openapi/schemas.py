"""JSON schemas of requests and answers that are not the vendors'."""

from __future__ import annotations

from shared.contracts.exports import LONGEST_URI

EXPORT = {
    "type": "object",
    "required": ["uri"],
    "additionalProperties": False,
    "properties": {
        "uri": {
            "type": "string",
            "maxLength": LONGEST_URI,
            "description": "file:///… or s3://bucket/…, nothing percent-encoded.",
            "examples": ["file:///srv/exports/ga4/events_20260102.parquet"],
        }
    },
}
ACCEPTED_EXPORT = {
    "type": "object",
    "required": ["status", "topic", "uri", "event_id", "delivery_id"],
    "properties": {
        "status": {"const": "accepted"},
        "topic": {"type": "string", "description": "Logical topic of the announcement."},
        "uri": {"type": "string", "description": "Where the file is."},
        "event_id": {"type": "string", "description": "The same for the same version of a file."},
        "delivery_id": {"type": "string", "format": "uuid", "description": "UUIDv7, ours."},
    },
}
ACCEPTED = {
    "type": "object",
    "required": ["status", "topic", "event_id", "delivery_id"],
    "properties": {
        "status": {"const": "ok"},
        "topic": {"type": "string", "description": "Logical topic of the record."},
        "id": {"type": "string", "description": "Business id (Shopify)."},
        "event_id": {"type": "string", "description": "The vendor's event id."},
        "delivery_id": {"type": "string", "format": "uuid", "description": "UUIDv7, ours."},
    },
}
ACCEPTED_EVENTS = {
    "type": "object",
    "required": ["status", "published", "failed", "dead_letters"],
    "properties": {
        "status": {"const": "ok"},
        "published": {"type": "integer", "description": "Events that the broker has."},
        "failed": {"const": 0, "description": "Always: else all of it is to be sent again."},
        "dead_letters": {"type": "integer", "description": "Elements kept that are no events."},
    },
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and what to do next."},
        "instance": {"type": "string", "format": "uri-reference"},
    },
}
