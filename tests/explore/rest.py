"""The end of every schedule: no more faults; all must be consumed and told, or rightly stopped."""

from __future__ import annotations

from tests.explore.outsiders import Outsiders
from tests.explore.world import World

ROUNDS = 12
"""More than a group without faults needs, from wherever it begins."""
LASTING = 3
"""Rounds: one that stopped while a commit was on its way goes on when it is looked at again."""
STATEMENTS = 3
"""How often an operator settles what is stopped; one log may be trimmed after it was replaced."""


def come_to_rest(world: World, outsiders: Outsiders) -> None:
    """Let everything end, and look whether it ended well."""
    world.run([])
    while world.table.held:
        outsiders.arrive(0)
    world.everybody_joins()
    for _ in range(STATEMENTS):
        if _calm(world) or world.audit.violations:
            break
        _judge_stops(world)
        outsiders.state_positions(outsiders.advice())
    audit = world.audit
    for key, log in world.logs.items():
        at = [run.next for run in audit.runs(key)[-1:]]
        audit.check(
            audit.consumed(key), f"partition {key[1]}: log {log.bounds} is consumed to {at} only"
        )
    missing = audit.never_told()
    audit.check(not missing, f"snapshots {missing} were never announced")


def _calm(world: World) -> bool:
    """All work until all is done; ``False`` when something stays stopped."""
    audit, stopped = world.audit, 0
    for _ in range(ROUNDS):
        world.clock.now += 8.0
        for worker in world.workers:
            worker.states.catch_up(world.tables)
            worker.go(0, None)
            for key in world.logs:
                worker.fetch(key, 1000)
            worker.hand_over()
            worker.go(0, None)
        stopped = stopped + 1 if any(worker.stopped for worker in world.workers) else 0
        if stopped == LASTING:
            return False
        if audit.violations or (all(map(audit.consumed, world.logs)) and not audit.never_told()):
            break
    return True


def _judge_stops(world: World) -> None:
    """A partition stops for the reason that it says, and for no other."""
    audit = world.audit
    for worker in world.workers:
        for key, reason in worker.stopped.items():
            runs, bounds = audit.runs(key), world.logs[key].bounds
            right = {
                "log_replaced": not audit.same_log(key),
                "log_truncated": bool(runs) and bounds.start > runs[-1].next,
                "positions_lost": bool(audit.expired),
            }
            world.count(f"stopped: {reason}")
            audit.check(right.get(reason, False), f"partition {key[1]}: stopped for {reason}")
