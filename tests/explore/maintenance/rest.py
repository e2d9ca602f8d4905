"""The end of every schedule: no more faults; everything is maintained, and nothing is left over."""

from __future__ import annotations

from itertools import pairwise

from shared.lake.maintenance.orphans import LEAST_AGE_MS
from tests.explore.maintenance.maintainers import Maintainers
from tests.explore.maintenance.outsiders import Outsiders
from tests.explore.maintenance.world import World

COMPARED = 3
"""Most neighbouring pairs of retained versions whose changes are read in the end."""
QUIET_S = 2 * LEAST_AGE_MS / 1000


def come_to_rest(world: World, maintainers: Maintainers, outsiders: Outsiders) -> None:
    """Let everything end, and look whether it ended well."""
    audit, catalog = world.audit, world.catalog
    world.run([])
    while catalog.held:
        catalog.arrive(0)
    snapshots = catalog.metadata.snapshots
    ends = [*snapshots[:1], *snapshots[-COMPARED:]]
    for start, end in pairwise(ends):
        outsiders.compare(start, end)
    process = world.maintainer(0)
    head = catalog.metadata.current_snapshot_id
    rows = audit.version(head).rows
    world.act(process, lambda: maintainers.compact(process))
    world.clock.now += QUIET_S
    audit.recorded.clear()
    world.act(process, lambda: maintainers.expire(process, 0.0, 1))
    world.clock.now += QUIET_S
    world.act(process, lambda: maintainers.orphans(process, 1))
    if audit.violations:
        return
    left = sorted(world.store.files.keys() - audit.named())
    audit.check(not left, f"nobody names and nobody deletes {left}")
    after = catalog.metadata.current_snapshot()
    if after is not None:
        audit.check(audit.listed(after).rows == rows, "maintenance has changed rows")
        outsiders.compare(after, after)
