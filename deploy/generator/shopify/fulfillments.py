"""Shopify's fulfillment: a parcel of an order, on its way. An object without own topic."""

from __future__ import annotations

from datetime import datetime

from deploy.generator.chance import Chance
from deploy.generator.id_space import IdSpace, gid
from deploy.generator.payload import Payload, written_like

CARRIERS = ("UPS", "USPS", "FedEx", "DHL")
_NEXT = {None: "in_transit", "in_transit": "out_for_delivery", "out_for_delivery": "delivered"}


def fulfillment(ids: IdSpace, rng: Chance, order: Payload, moment: datetime) -> Payload:
    """Body of ``fulfillments/create``: all lines of an order in one parcel."""
    number = ids.next("fulfillment")
    happened = written_like(order["updated_at"], moment)
    return {
        "id": number,
        "admin_graphql_api_id": gid("Fulfillment", number),
        "order_id": order["id"],
        "status": "success",
        "created_at": happened,
        "updated_at": happened,
        "service": "manual",
        "tracking_company": rng.choice(CARRIERS),
        "tracking_number": rng.capitals(14, digits=True),
        "shipment_status": None,
        "location_id": 72_158_331,
        "name": f"{order['name']}.1",
        "line_items": [{"id": line["id"]} for line in order["line_items"]],
    }


def under_way(current: Payload) -> bool:
    """Whether it is still to arrive."""
    return current["shipment_status"] in _NEXT


def next_version(current: Payload, moment: datetime) -> Payload:
    """Body of ``fulfillments/update``: a step nearer."""
    happened = written_like(current["updated_at"], moment)
    status = _NEXT[current["shipment_status"]]
    return {**current, "updated_at": happened, "shipment_status": status}
