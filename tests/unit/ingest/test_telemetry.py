"""What is counted in plain integers is in the instruments at the next scrape."""

from services.ingest.problem import HEAD_TOO_LARGE, INVALID_JSON
from services.ingest.telemetry import FLUSH_AT, Telemetry
from shared.runtime.metrics import Instruments


def scrape(instruments: Instruments) -> set[str]:
    return set(instruments.exposition().decode().splitlines())


def test_counts_appear_once_and_add_up() -> None:
    instruments = Instruments("ingest")
    telemetry = Telemetry(instruments)
    for _ in range(2):
        telemetry.received("shopify.orders")
        telemetry.sent("shopify.orders")
        telemetry.answered("/webhooks/shopify/orders", "POST", 200, 0.003)
        scrape(instruments)
    lines = scrape(instruments)
    assert 'lakehouse_events_received_total{service="ingest",topic="shopify.orders"} 2.0' in lines
    assert 'lakehouse_events_sent_total{service="ingest",topic="shopify.orders"} 2.0' in lines
    assert (
        'http_requests_total{handler="/webhooks/shopify/orders",method="POST",status="2xx"} 2.0'
        in lines
    )
    assert (
        'http_request_duration_seconds_bucket{handler="/webhooks/shopify/orders",le="0.005",'
        'method="POST"} 2.0' in lines
    )


def test_methods_nobody_knows_share_one_label() -> None:
    instruments = Instruments("ingest")
    telemetry = Telemetry(instruments)
    for number in range(50):
        telemetry.answered("unmatched", f"M{number}", 404, 0.001)
    lines = scrape(instruments)
    assert 'http_requests_total{handler="unmatched",method="other",status="4xx"} 50.0' in lines


def test_durations_do_not_pile_up_between_scrapes() -> None:
    instruments = Instruments("ingest")
    telemetry = Telemetry(instruments)
    for _ in range(FLUSH_AT):
        telemetry.answered("/", "GET", 200, 0.001)
    assert instruments.counter("http_requests_total").labels("/", "GET", "2xx")._value.get() == (
        FLUSH_AT
    )


def test_refused_requests_are_counted_by_source_and_reason() -> None:
    instruments = Instruments("ingest")
    telemetry = Telemetry(instruments)
    for _ in range(2):
        telemetry.refused(HEAD_TOO_LARGE, "none")
        telemetry.refused(INVALID_JSON, "shopify")
        scrape(instruments)
    lines = scrape(instruments)
    refused = "lakehouse_requests_refused_total"
    assert f'{refused}{{reason="head_too_large",source="none"}} 2.0' in lines
    assert f'{refused}{{reason="invalid_json",source="shopify"}} 2.0' in lines
    errors = "lakehouse_errors_total"
    assert (
        f'{errors}{{error_type="head_too_large",service="ingest",stage="receiving"}} 2.0' in lines
    )
    assert not any("invalid_json" in line for line in lines if line.startswith(errors))
