"""Debian's prometheus-alertmanager, run on free ports for a test."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
WHY_NOT = "prometheus-alertmanager is not installed"
START_S = 30.0

_CONFIGURATION = """\
route: {receiver: nobody}
receivers: [{name: nobody}]
"""


@contextlib.contextmanager
def alertmanager(directory: Path) -> Iterator[str]:
    """The address of a running alertmanager that notifies nobody."""
    assert PROGRAM is not None, WHY_NOT
    (directory / "alertmanager.yml").write_text(_CONFIGURATION)
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with (directory / "alertmanager.log").open("wb") as output:
        process = subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={directory / 'alertmanager.yml'}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _await(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{url}/-/ready", timeout=1).close()
            return
        assert process.poll() is None, "alertmanager has ended, see alertmanager.log"
        assert time.monotonic() < deadline, "alertmanager is not ready in time"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
