"""What a platform's derived tables hold, asked from outside: at rest, and equal to their inputs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from deploy.demo import derived_ledger
from deploy.demo.derived_ledger import DerivedLedger
from deploy.demo.deriving import derived
from deploy.demo.head_rows import HeadRows
from deploy.demo.settings import DemoSettings
from deploy.demo.settling import settled
from deploy.generator.delivery import Delivery
from deploy.generator.poster import Outcome, Poster
from deploy.generator.signing import Signer
from shared.lake.catalog import open_catalog
from tests.support import warm_bergline
from tests.support.platform import EmbeddedPlatform

QUICK_RECONCILE = {"BERGLINE_TRANSFORMER_RECONCILE_S": "2"}
"""What no event tells is found soon: an operator's rollback, for one."""

SETTLED_WITHIN_S = 240.0
_POLL_S = 0.5


def post(platform: EmbeddedPlatform, deliveries: Sequence[Delivery]) -> list[Outcome]:
    """Send webhooks as fast as they are answered."""
    settings = DemoSettings.of(platform.layout.root)
    return asyncio.run(Poster(settings.ingest_url, Signer.of(settings)).post(deliveries))


def complete(platform: EmbeddedPlatform) -> None:
    """Wait until raw tables hold all that is in the topics, and derived tables all of those."""
    catalog = open_catalog(platform.settings)
    ends = asyncio.run(settled(platform.settings, catalog, deadline_s=SETTLED_WITHIN_S))
    asyncio.run(derived(platform.settings, catalog, ends, deadline_s=SETTLED_WITHIN_S))


def equal_in_the_end(
    platform: EmbeddedPlatform, rows_of: HeadRows, when: Callable[[], bool] = lambda: True
) -> DerivedLedger:
    """Wait until every derived table is what SQL makes of the raw rows as they are then.

    Args:
        platform: without traffic.
        rows_of: reads the rows, and has read some of these files before.
        when: must hold as well.

    Raises:
        AssertionError: not in time; says which rows differ.
    """
    catalog = open_catalog(platform.settings)
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while True:
        complete(platform)
        differing: object = "not asked, as it is not when it must be"
        if when():  # asked first: to compute all tables is work, of what is waited for, too
            found = derived_ledger.take(catalog, platform.settings.environment, rows_of)
            if not found.differing:
                return found
            differing = found.differing
        assert time.monotonic() < deadline, differing
        time.sleep(_POLL_S)


def bergline(platform: EmbeddedPlatform, *arguments: str, seconds: float = 120.0) -> Any:
    """The JSON that a command prints, which must end well."""
    variables = platform.variables | {"PATH": "/usr/bin:/bin"}
    done = warm_bergline.bergline([*arguments, "--output", "json"], variables, seconds=seconds)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
