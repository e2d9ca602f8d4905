"""A broker may be there, and not answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.alerter import broker_side
from services.alerter.broker_side import BrokerSide
from services.alerter.config import AlerterSettings
from services.alerter.journal.journal import Journal
from services.alerter.states.announcing import Announcing
from shared.contracts.topics import ALERT_STATES
from shared.runtime.progress import Progress
from shared.runtime.worker_bus import WorkerBus
from tests.unit.alerter.test_handlers import Desk


class Stopped(WorkerBus):
    """Its broker is stopped while something is under way."""

    async def stop(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.asyncio
async def test_a_broker_that_does_not_answer_does_not_keep_an_alerter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_side, "CLOSE_S", 0.01)
    settings, journal = AlerterSettings(), Journal(tmp_path)
    bus = Stopped(settings, "alerter", ALERT_STATES)
    side = BrokerSide(
        settings,
        bus,
        Announcing(journal, bus),
        Desk().handlers,
        Progress(),
        lambda: None,
        lambda: None,
    )
    async with asyncio.timeout(20):
        await side.close()
    await journal.close()
