"""What the embedded platform costs before any load: start, first row, memory and CPU at rest, stop.

Each round starts a platform on an empty directory, posts one signed order as soon as somebody takes
it and waits until its row is read; then nothing happens for a while; then it is stopped and started
again on the same data. Wall clock: run it on a quiet machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from pyiceberg.table import Table

from deploy.embedded.processes import memory_bytes
from shared.cli.output import progress
from shared.lake.catalog import load, open_catalog
from shared.runtime.errors import Unavailable
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.platform import EmbeddedPlatform
from tests.support.vendor_signatures import shopify_signature

MIB = 1024 * 1024
COLD_START_SECONDS = 60.0
POLL_SECONDS = 0.02
REST_SECONDS = 20.0
"""Length of the quiet window."""

CALM_SECONDS = 5.0
"""Between the first row and the quiet window: what the row set in motion comes to its end."""

QUICK_SECONDS = 2.0
QUICK_REPLICAS = {"transformer": 0, "maintainer": 0, "alerter": 0}
"""A quick run waits for nobody whom an order's row does not need."""
_TABLE = "raw.shopify_orders"

Figures = dict[tuple[str, str], float]
"""(name, unit) → value."""


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Measure, with a new platform in every round."""
    found: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds):
        for name_and_unit, value in _round(quick).items():
            found.setdefault(name_and_unit, []).append(value)
        progress("round done", number=number + 1, of=rounds)
    return [measure(name, values, unit) for (name, unit), values in found.items()]


def _round(quick: bool) -> Figures:
    rest_seconds = QUICK_SECONDS if quick else REST_SECONDS
    measured: Figures = {}
    with tempfile.TemporaryDirectory() as directory:
        embedded = EmbeddedPlatform(Path(directory), replicas=QUICK_REPLICAS if quick else None)
        try:
            began = time.perf_counter()
            embedded.start(wait=False)
            _post_at_once(embedded)
            _wait_for_row(embedded)
            measured["cold_start", "s"] = time.perf_counter() - began
            embedded.wait_ready()
            time.sleep(min(CALM_SECONDS, rest_seconds))
            measured |= _at_rest(embedded, rest_seconds)
            measured["stop", "s"] = embedded.stop()
            if not quick:
                began = time.perf_counter()
                embedded.start()
                measured["warm_start_all_ready", "s"] = time.perf_counter() - began
        finally:
            embedded.close()
    measured["bergline_help", "s"] = _help_seconds()
    return measured


def _at_rest(embedded: EmbeddedPlatform, seconds: float) -> Figures:
    """Memory and CPU of all processes, and of each, over so many seconds."""
    pids = {each.name: each.pid for each in embedded.state.processes if not each.task}
    pids["supervisor"] = embedded.state.supervisor_pid
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    began = time.perf_counter()
    time.sleep(seconds)
    memory = {name: memory_bytes(pid) / MIB for name, pid in pids.items()}
    took = time.perf_counter() - began
    used = {name: 100 * (cpu_seconds(pid) - before[name]) / took for name, pid in pids.items()}
    figures: Figures = {
        ("idle_pss", "MiB"): sum(memory.values()),
        ("idle_cpu", "% of a core"): sum(used.values()),
    }
    for name in sorted(pids):
        figures[f"idle_pss_{name}", "MiB"] = memory[name]
        figures[f"idle_cpu_{name}", "% of a core"] = used[name]
    return figures


def _help_seconds() -> float:
    program = Path(sys.executable).with_name("bergline")
    began = time.perf_counter()
    subprocess.run([program, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _post_at_once(embedded: EmbeddedPlatform) -> None:
    """Offer one order again and again until it is taken."""
    body = json.dumps({"id": 1, "updated_at": "2026-01-02T03:04:05Z"}).encode()
    url = f"{embedded.url('ingest')}/webhooks/shopify/orders"
    deadline = time.monotonic() + COLD_START_SECONDS
    while True:
        secret = embedded.connection.get("BERGLINE_INGEST_SHOPIFY_SECRETS", "")
        headers = {
            **shopify_signature(body, secret),
            "Content-Type": "application/json",
            "X-Shopify-Topic": "orders/create",
            "X-Shopify-Shop-Domain": "bench.example",
            "X-Shopify-Webhook-Id": "1",
        }
        request = urllib.request.Request(url, method="POST", data=body, headers=headers)
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except OSError as error:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"no webhook was taken within {COLD_START_SECONDS:g} s: {error}"
                ) from error
            time.sleep(POLL_SECONDS)
        else:
            return


def _wait_for_row(embedded: EmbeddedPlatform) -> None:
    settings = embedded.settings
    catalog = open_catalog(settings)
    deadline = time.monotonic() + COLD_START_SECONDS
    while not _ids(load(catalog, settings.environment, _TABLE)):
        if time.monotonic() > deadline:
            raise Unavailable(f"no row was readable within {COLD_START_SECONDS:g} s")
        time.sleep(POLL_SECONDS)


def _ids(table: Table) -> list[object]:
    found: list[object] = table.scan(selected_fields=("id",)).to_arrow()["id"].to_pylist()
    return found
