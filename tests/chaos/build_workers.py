"""The processes that transformer builds in: found through what it says of itself, hurt by pid."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import psutil

from tests.support.platform import EmbeddedPlatform

_ANSWER_SECONDS = 2.0


def info(platform: EmbeddedPlatform, replica: int) -> Any:
    """What a transformer says of itself; empty when it does not answer."""
    try:
        with urllib.request.urlopen(
            f"{platform.url('transformer', replica)}/info", timeout=_ANSWER_SECONDS
        ) as answer:
            return json.load(answer)
    except OSError:
        return {}


def worker(platform: EmbeddedPlatform, replica: int) -> psutil.Process:
    """A worker of that transformer, one that builds something if there is any.

    Raises:
        ProcessLookupError: it has none now.
    """
    told = info(platform, replica).get("pool", {}).get("workers", [])
    for each in sorted(told, key=lambda one: one["builds"] is None):
        try:
            return psutil.Process(each["pid"])
        except psutil.NoSuchProcess:
            continue
    raise ProcessLookupError(f"transformer {replica} has no worker now")


def workers(platform: EmbeddedPlatform, replica: int) -> list[psutil.Process]:
    """All of them."""
    told = info(platform, replica).get("pool", {}).get("workers", [])
    return [psutil.Process(each["pid"]) for each in told if psutil.pid_exists(each["pid"])]


def building(platform: EmbeddedPlatform, replica: int) -> list[str]:
    """The tables that its workers build now."""
    told = info(platform, replica).get("pool", {}).get("workers", [])
    return [each["builds"] for each in told if each["builds"] is not None]
