"""A whole alerter without broker, catalog and store: that there are none is what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from services.alerter.app import Service
from services.alerter.config import AlerterSettings
from tests.support.worker_ports import free_port
from tests.unit.alerter.example_rules import LAGGING, rules_file

WITHIN_S = 30.0
DOWN = {"IcebergCatalogDown", "MinIODown", "RedpandaDown"}


class Alerter:
    """One that runs, and the webhook that it tells."""

    def __init__(
        self,
        service: Service,
        running: asyncio.Task[None],
        url: str,
        told: list[dict[str, Any]],
    ) -> None:
        self.service = service
        self.running = running
        self._url = url
        self._told = told

    async def page(self, path: str) -> Any:
        async with aiohttp.ClientSession() as client, client.get(self._url + path) as answer:
            if path == "/metrics":
                return await answer.text()
            return await answer.json()

    async def firing(self) -> dict[str, dict[str, Any]]:
        found = (await self.page("/alerts"))["alerts"]
        return {each["rule"]: each for each in found if each["state"] == "firing"}

    def told(self) -> set[tuple[str, str]]:
        """Rules whose alerts the webhook was told of, and what of them."""
        return {
            (alert["labels"]["alertname"], alert["status"])
            for each in self._told
            for alert in each["alerts"]
        }

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not await holds():  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.02)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "project"
    (directory / "rules").mkdir(parents=True)
    monkeypatch.setenv("BERGLINE_PROJECT", str(directory))
    monkeypatch.setenv("BERGLINE_DATA_DIR", str(tmp_path / "data"))
    return directory


def alerter(
    project: Path, scenario: Callable[[Alerter], Awaitable[None]], port: int | None = None
) -> list[dict[str, Any]]:
    """Run a scenario with one that nobody answers; what its webhook was posted."""
    told: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    async def run() -> None:
        hooks = web.Application()
        hooks.router.add_post("/", take)
        runner = web.AppRunner(hooks)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        (project / "alerting.yaml").write_text(
            f"receivers: [{{name: hook, type: webhook, url: '{url}', per_minute: 6000}}]\n"
            "route: {receiver: hook, group_wait: 0s, group_by: ['...']}\n"
        )
        nobody, own = free_port(), port or free_port()
        settings = AlerterSettings(
            alerter_port=own,
            brokers=f"127.0.0.1:{nobody}",
            broker_admin=f"http://127.0.0.1:{nobody}",
            catalog_uri=f"http://127.0.0.1:{nobody}",
            s3_endpoint=f"http://127.0.0.1:{nobody}",
            s3_access_key="key",
            s3_secret_key="secret",
            alerter_time_scale=0.001,
            alerter_probe_every_s=0.05,
            alerter_rules_look_s=0.05,
            alerter_unowned_s=0.1,
        )
        service, stop = Service(settings), asyncio.Event()
        running = asyncio.create_task(service.run(stop))
        try:
            found = Alerter(service, running, f"http://127.0.0.1:{own}", told)

            async def ready() -> bool:
                assert not running.done(), running.exception()
                try:
                    return bool((await found.page("/readyz"))["status"] == "ready")
                except aiohttp.ClientError:
                    return False

            await found.until(ready)
            await scenario(found)
        finally:
            stop.set()
            await asyncio.wait({running})
            await runner.cleanup()
        await running

    asyncio.run(run())
    return told


def test_it_evaluates_tells_and_shows_what_it_can_know(project: Path) -> None:
    async def scenario(found: Alerter) -> None:
        async def down() -> bool:
            return (await found.firing()).keys() >= {*DOWN, "AlerterAlive"}

        await found.until(down)

        async def told() -> bool:
            return ("RedpandaDown", "firing") in found.told()

        await found.until(told)
        ready, info = await found.page("/readyz"), await found.page("/info")
        assert "not in the group" in ready["broker"]
        assert "PipelineStale" in ready["rules_held"], "who looks at health sees who is silent"
        assert {"KafkaConsumerLagHigh", "PipelineStale"} <= set(info["waiting_for_signals"])
        assert info["events_unpublished"] >= 4
        assert (info["errors_of_rules"], info["errors_of_signals"]) == ({}, {})
        rules = {each["alert"]: each for each in (await found.page("/rules"))["rules"]}
        assert rules["RedpandaDown"]["evaluated"] == "here"
        assert rules["PipelineStale"]["evaluated"] == "waits for signals to be known"
        shown = (await found.firing())["RedpandaDown"]
        assert (shown["ours"], shown["silenced_by"], shown["acknowledged_by"]) == (True, [], None)
        metrics = await found.page("/metrics")
        assert 'lakehouse_probe_up{target="broker"} 0.0' in metrics
        assert "lakehouse_consumer_lag_records{" not in metrics, "nobody can know it"
        assert 'lakehouse_alerts{alert="RedpandaDown",severity="critical",state="firing"' in metrics
        assert "lakehouse_rules_broken 0.0" in metrics

    alerter(project, scenario)


def test_a_restart_goes_on_with_what_stood_and_what_was_told(project: Path) -> None:
    port, before = free_port(), {}

    async def first(found: Alerter) -> None:
        async def told() -> bool:
            return {("RedpandaDown", "firing"), ("IcebergCatalogDown", "firing")} <= found.told()

        await found.until(told)
        before.update(await found.firing())

    async def second(found: Alerter) -> None:
        passes = found.service._evaluation.passes

        async def evaluated() -> bool:
            return found.service._evaluation.passes > passes + 20

        await found.until(evaluated)
        now = await found.firing()
        assert {rule: now[rule]["transition"] for rule in DOWN} == {
            rule: before[rule]["transition"] for rule in DOWN
        }

    alerter(project, first, port)
    assert alerter(project, second, port) == [], "nobody is told twice"


def test_files_that_are_wrong_are_told_and_change_nothing(project: Path) -> None:
    async def scenario(found: Alerter) -> None:
        file = project / "rules" / "mine.yaml"
        file.write_text(rules_file(LAGGING))

        async def there() -> bool:
            receivers = (await found.page("/info"))["delivery"]["receivers"]
            return len((await found.page("/rules"))["rules"]) == 27 and receivers.keys() == {"hook"}

        await found.until(there)
        file.write_text("groups: {")
        (project / "alerting.yaml").write_text("receivers: none")

        async def said() -> bool:
            notes = await found.page("/readyz")
            return {"rules_broken", "routes_broken"} <= set(notes)

        await found.until(said)
        assert await there()
        assert "lakehouse_rules_broken 1.0" in await found.page("/metrics")
        file.unlink()
        (project / "alerting.yaml").unlink()

        async def right() -> bool:
            notes = await found.page("/readyz")
            return not {"rules_broken", "routes_broken"} & set(notes)

        await found.until(right)
        assert (await found.page("/info"))["delivery"]["receivers"] == {}

    alerter(project, scenario)


def test_a_loop_that_dies_ends_the_process(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(found: Alerter) -> None:
        def broken(*_: object) -> list[str]:
            raise IndexError

        monkeypatch.setattr(found.service._evaluation._timetable, "take", broken)

        async def ended() -> bool:
            return found.running.done()

        await found.until(ended)

    with pytest.raises(RuntimeError, match="evaluation has ended"):
        alerter(project, scenario)
