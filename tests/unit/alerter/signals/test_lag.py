"""Groups of services that are meant to run are missed; what waits for the others waits rightly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from services.alerter.signals.lag import LAG, MEMBERS, ConsumerLag
from services.alerter.signals.settings import SignalSettings
from shared.alerting.series import Vector, labels
from shared.runtime.group_lags import GroupLag, GroupLags

GROUPS = {
    "stream_writer": GroupLag(2, {"shopify.orders": 5}),
    "transformer": GroupLag(0, {"lakehouse.commits": 90_000}),
    "reports": GroupLag(0, {"lakehouse.commits": 7, "shop.visits": 90_000}),
    "dev.stream_writer": GroupLag(1, {"dev.shopify.orders": 90_000}),
}
"""transformer ran once, reports is somebody else's, and so is an environment beside ours."""


def asked(monkeypatch: pytest.MonkeyPatch, settings: SignalSettings) -> Mapping[str, Vector]:
    async def ask(_: GroupLags) -> Mapping[str, GroupLag]:
        return GROUPS

    async def close(_: GroupLags) -> None:
        pass

    async def run() -> Mapping[str, Vector]:
        known = asyncio.Event()
        lag = ConsumerLag(settings, 60, settings.expected_services, lambda _: known.set())
        lag.start()
        try:
            async with asyncio.timeout(20):
                await known.wait()
            return lag.vectors(0)
        finally:
            await lag.stop()

    monkeypatch.setattr(GroupLags, "ask", ask)
    monkeypatch.setattr(GroupLags, "close", close)
    return asyncio.run(run())


def test_every_service_is_missed_unless_something_else_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = asked(monkeypatch, SignalSettings())
    assert found[MEMBERS] == {
        labels(group="alerter"): 0.0,
        labels(group="maintainer"): 0.0,
        labels(group="stream_writer"): 2.0,
        labels(group="transformer"): 0.0,
    }
    assert found[LAG] == {
        labels(group="stream_writer", topic="shopify.orders"): 5.0,
        labels(group="transformer", topic="lakehouse.commits"): 90_000.0,
        labels(group="reports", topic="lakehouse.commits"): 7.0,
    }


def test_services_that_are_not_meant_to_run_are_neither_missed_nor_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = SignalSettings(alerter_expected_services="ingest,stream_writer,alerter")
    found = asked(monkeypatch, settings)
    assert found[MEMBERS] == {labels(group="alerter"): 0.0, labels(group="stream_writer"): 2.0}
    assert {dict(series)["group"] for series in found[LAG]} == {"stream_writer", "reports"}
