"""What a process logs: where it failed, and nothing of what it held in its hands."""

from __future__ import annotations

import json
import logging as standard
import sys
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from shared.runtime import logging

BODY = "body-of-somebody"
SECRET = "secret-of-somebody"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours = standard.getLogger(), standard.getLogger("bergline")
    handlers, level, our_level = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)
    structlog.reset_defaults()


def fail(body: str, settings: dict[str, str]) -> None:
    raise ValueError(f"nothing to be done with {len(body)} bytes and {len(settings)} settings")


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("library", [False, True], ids=["ours", "a library's"])
def test_a_traceback_shows_lines_and_no_values(
    log_format: Literal["json", "text"], library: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.configure("ingest", "debug", log_format)
    try:
        fail(BODY, {"secret": SECRET})
    except ValueError:
        if library:
            standard.getLogger("aiohttp.server").exception("unhandled")
        else:
            logging.logger("ingest").exception("unhandled")
    shown = capsys.readouterr().err
    assert "nothing to be done" in shown
    assert "test_logging.py" in shown
    assert BODY not in shown
    assert SECRET not in shown


def test_every_line_is_json_with_its_service(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("ingest", "info", "json")
    logging.logger("ingest").info("listening", address="x")
    standard.getLogger("a.library").info("chatter")
    print("end", file=sys.stderr)
    first, *others = capsys.readouterr().err.splitlines()
    assert json.loads(first) | {"timestamp": ""} == {
        "event": "listening",
        "address": "x",
        "service": "ingest",
        "level": "info",
        "timestamp": "",
    }
    assert others == ["end"], "libraries are kept at warning"
