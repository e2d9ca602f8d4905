"""promtool and amtool, where they are installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PROMTOOL = shutil.which("promtool")
AMTOOL = shutil.which("amtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)"
)
needs_amtool = pytest.mark.skipif(
    AMTOOL is None, reason="amtool is not installed (Debian: prometheus-alertmanager)"
)


def promtool(*arguments: str | Path) -> str:
    """What promtool says; an assertion fails with it when promtool finds something wrong."""
    return _said(PROMTOOL, arguments)


def amtool(*arguments: str | Path) -> str:
    """What amtool says; an assertion fails with it when amtool finds something wrong."""
    return _said(AMTOOL, arguments)


def _said(program: str | None, arguments: tuple[str | Path, ...]) -> str:
    assert program is not None
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
