"""The same by Prometheus and Alertmanager: a gauge turns 1, and a webhook is called."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from tests.support.worker_ports import free_port

PROMETHEUS = shutil.which("prometheus")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
WHY_NOT = (
    None
    if PROMETHEUS and ALERTMANAGER
    else "prometheus and alertmanager are not both installed (Debian: prometheus, "
    "prometheus-alertmanager)"
)
EVENTS, QUICK_EVENTS = 25, 3
EVERY = "1s"
WITHIN_S = 30.0


class _Gauges:
    """What is scraped, and when which alert was posted."""

    def __init__(self) -> None:
        self.on: set[int] = set()
        self.scraped = threading.Event()
        self.told: dict[int, float] = {}
        self.changed = threading.Condition()
        gauges = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lines = [f'halted{{partition="{n}"}} 1\n' for n in sorted(gauges.on)]
                body = "".join(["# TYPE halted gauge\n", *lines]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)
                gauges.scraped.set()

            def do_POST(self) -> None:
                now = time.perf_counter()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with gauges.changed:
                    for alert in body["alerts"]:
                        if alert["status"] == "firing":
                            gauges.told.setdefault(int(alert["labels"]["partition"]), now)
                    gauges.changed.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"

    def told_at(self, partition: int) -> float:
        """When its alert was posted, waiting for it."""
        with self.changed:
            there = self.changed.wait_for(lambda: partition in self.told, WITHIN_S)
        assert there, f"nobody was told within {WITHIN_S:g} s"
        return self.told[partition]


def took(directory: Path, number: int, *, quick: bool) -> list[float]:
    """Seconds of each event, of a pair of servers of their own."""
    chance = random.Random(number)
    with _emptied(directory, number) as own, _running(own) as gauges:
        seconds = []
        for partition in range(QUICK_EVENTS if quick else EVENTS):
            time.sleep(chance.uniform(0.0, 1.0))  # at any phase of scraping and evaluating
            began = time.perf_counter()
            gauges.on.add(partition)
            seconds.append(gauges.told_at(partition) - began)
        return seconds


@contextlib.contextmanager
def _emptied(directory: Path, number: int) -> Iterator[Path]:
    """An empty directory of a round."""
    own = directory / f"prometheus-{number}"
    own.mkdir()
    yield own
    shutil.rmtree(own)


@contextlib.contextmanager
def _running(own: Path) -> Iterator[_Gauges]:
    assert PROMETHEUS is not None
    assert ALERTMANAGER is not None
    gauges = _Gauges()
    serving = threading.Thread(target=gauges.server.serve_forever, daemon=True)
    serving.start()
    port, manager = free_port(), free_port()
    _write(own, gauges.address, manager)
    commands = [
        [
            ALERTMANAGER,
            f"--config.file={own / 'alertmanager.yml'}",
            f"--storage.path={own / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{manager}",
            "--cluster.listen-address=",
        ],
        [
            PROMETHEUS,
            f"--config.file={own / 'prometheus.yml'}",
            f"--storage.tsdb.path={own / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
    ]
    with (own / "log").open("wb") as log, contextlib.ExitStack() as stack:
        stack.callback(gauges.server.server_close)
        stack.callback(gauges.server.shutdown)
        for command in commands:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
        _await(f"http://127.0.0.1:{manager}/-/ready")
        _await(f"http://127.0.0.1:{port}/-/ready")
        assert gauges.scraped.wait(WITHIN_S), "nothing was scraped"
        yield gauges


def _write(own: Path, target: str, manager: int) -> None:
    rule = {"alert": "Halted", "expr": "halted == 1"}
    files = {
        "rules.yml": {"groups": [{"name": "bench", "interval": EVERY, "rules": [rule]}]},
        "prometheus.yml": {
            "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
            "rule_files": [str(own / "rules.yml")],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]
            },
            "scrape_configs": [{"job_name": "bench", "static_configs": [{"targets": [target]}]}],
        },
        "alertmanager.yml": {
            "route": {"receiver": "bench", "group_by": ["..."], "group_wait": "0s"},
            "receivers": [{"name": "bench", "webhook_configs": [{"url": f"http://{target}/"}]}],
        },
    }
    for name, content in files.items():
        (own / name).write_text(yaml.safe_dump(content))


def _await(url: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.05)
