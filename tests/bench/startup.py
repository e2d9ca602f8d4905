"""What the embedded platform costs before any load: start, first row, memory at rest, stop.

Each round starts a platform on an empty directory, posts one signed order at once and waits for
its row; then stops it and starts it again on the same data. Wall clock: run it on a quiet machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from deploy.embedded.processes import memory_bytes
from shared.cli.output import progress
from shared.lake.catalog import load, open_catalog
from tests.bench.report import Measure, measure
from tests.support.ingest import shopify_signature
from tests.support.platform import EmbeddedPlatform

MIB = 1024 * 1024
FIRST_ROW_SECONDS = 60.0
_TABLE = "raw.shopify_orders"


def run(rounds: int) -> list[Measure]:
    """Measure, with a new platform in every round."""
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds):
        for name_and_unit, value in _round().items():
            found.setdefault(name_and_unit, []).append(value)
        progress("round done", number=number + 1, of=rounds)
    return [measure(name, values, unit) for (name, unit), values in found.items()]


def _round() -> dict[tuple[str, str], float]:
    measured = {("bergline --help", "s"): _help_seconds()}
    with tempfile.TemporaryDirectory() as directory:
        embedded = EmbeddedPlatform(Path(directory))
        try:
            began = time.perf_counter()
            embedded.start()
            measured[("cold start, everything ready", "s")] = time.perf_counter() - began
            _post(embedded)
            _wait_for_row(embedded)
            measured[("cold start, first row readable", "s")] = time.perf_counter() - began
            measured[("memory at rest, whole platform (PSS)", "MiB")] = _memory(embedded) / MIB
            measured[("stop", "s")] = embedded.stop()
            began = time.perf_counter()
            embedded.start()
            measured[("warm start, everything ready", "s")] = time.perf_counter() - began
        finally:
            embedded.close()
    return measured


def _help_seconds() -> float:
    program = Path(sys.executable).with_name("bergline")
    began = time.perf_counter()
    subprocess.run([program, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _post(embedded: EmbeddedPlatform) -> None:
    body = json.dumps({"id": 1, "updated_at": "2026-01-02T03:04:05Z"}).encode()
    secret = embedded.connection["BERGLINE_INGEST_SHOPIFY_SECRETS"]
    headers = {
        **shopify_signature(body, secret),
        "Content-Type": "application/json",
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": "bench.example",
        "X-Shopify-Webhook-Id": "1",
    }
    url = f"{embedded.url('ingest')}/webhooks/shopify/orders"
    request = urllib.request.Request(url, method="POST", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def _wait_for_row(embedded: EmbeddedPlatform) -> None:
    settings = embedded.settings
    catalog = open_catalog(settings)
    deadline = time.monotonic() + FIRST_ROW_SECONDS
    while load(catalog, settings.environment, _TABLE).scan().count() == 0:
        if time.monotonic() > deadline:
            raise SystemExit(f"no row within {FIRST_ROW_SECONDS:g} s")
        time.sleep(0.02)


def _memory(embedded: EmbeddedPlatform) -> int:
    pids = [each.pid for each in embedded.state.processes if not each.task]
    return sum(map(memory_bytes, [embedded.state.supervisor_pid, *pids]))
