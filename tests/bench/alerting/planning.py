"""CPU of planning who is told: 5,000 alerts that fire, of 50 rules of 100 series each.

Ten of the rules are critical and go to two receivers, the others to one; groups are by rule, four
silences match a table each, and the built-in inhibitions are in force. ``plan_5k`` plans the board
anew, as an alerter does that takes it over; ``plan_5k_slice`` is the longest of the slices in which
it does that, between which everything else has its turn; ``plan_5k_change`` is what one alert more
costs that begins to fire while all others are told.
"""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import SecretStr

from services.alerter.delivery.delivery import SLICE_S
from shared.alerting.board import Board
from shared.alerting.lifecycle import fingerprint
from shared.alerting.notifying.consequences import BUILT_IN
from shared.alerting.notifying.planner import Planner
from shared.alerting.notifying.planning import Plan
from shared.alerting.notifying.receiver import Receiver
from shared.alerting.notifying.routing import Route, Routing
from shared.cli.output import progress
from shared.contracts.alerts import AlertChanged, AlertSilenced, Matcher
from tests.bench.report import Measure, measure

RULES, SERIES = 50, 100
QUICK_RULES = 5
CHANGES = 20
T0 = 1_700_000_000

ROUTING = Routing(
    {name: Receiver(name, "webhook", SecretStr("-")) for name in ("chat", "on-call")},
    Route(
        "chat",
        routes=(
            Route("on-call", (Matcher(label="severity", value="critical"),), continues=True),
            Route("chat", (Matcher(label="severity", op="=~", value="critical|warning"),)),
        ),
    ),
    BUILT_IN,
)


def measured(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Milliseconds of CPU."""
    found: dict[str, list[float]] = {"plan_5k": [], "plan_5k_slice": [], "plan_5k_change": []}
    for _ in range(rounds):
        board = _board(QUICK_RULES if quick else RULES)
        planner = Planner(ROUTING)
        gc.collect()
        slices = list(_slices(planner, board))
        found["plan_5k"].append(sum(slices))
        found["plan_5k_slice"].append(max(slices))
        _tell(board, planner.planned())
        list(_slices(planner, board))
        found["plan_5k_change"].append(_changes(planner, board))
    progress("planned", rounds=rounds)
    return [measure(name, values, "ms CPU") for name, values in found.items()]


def _slices(planner: Planner, board: Board) -> Iterator[float]:
    """What each slice took."""
    done = False
    while not done:
        began, until = time.process_time(), time.perf_counter() + SLICE_S
        planner.see(T0 + 60, board, _everything)
        done = _worked(planner, until)
        if done:
            planner.planned()
        yield (time.process_time() - began) * 1000


def _worked(planner: Planner, until: float) -> bool:
    return planner.work(lambda: time.perf_counter() >= until)


def _changes(planner: Planner, board: Board) -> float:
    """What a plan costs after one alert more has begun to fire."""
    spent = 0.0
    for number in range(CHANGES):
        alert = _alert(number % 5, SERIES + number)
        board.take(alert.key(), alert)
        began = time.process_time()
        planned = planner.plan(T0 + 200, board, _everything)
        spent += time.process_time() - began
        if len(planned.due) != min(number + 1, 5) + 1:  # one of them goes to two receivers
            raise ValueError(f"{len(planned.due)} groups are due: that is not the change")
    return spent / CHANGES * 1000


def _board(rules: int) -> Board:
    board = Board()
    for rule, number in itertools.product(range(rules), range(SERIES)):
        alert = _alert(rule, number)
        board.take(alert.key(), alert)
    for number in range(4):
        silence = AlertSilenced(
            silence_id=f"{number}",
            matchers=(Matcher(label="table", value=f"raw.table_{number}"),),
            starts_at=_moment(0),
            ends_at=_moment(3600),
            actor="bench",
            command_id=f"{number}",
            silenced_at=_moment(0),
        )
        board.take(silence.key(), silence)
    return board


def _alert(rule: int, number: int) -> AlertChanged:
    name = f"Rule{rule}"
    labels = {"layer": "raw", "table": f"raw.table_{number}"}
    return AlertChanged(
        fingerprint=fingerprint(name, tuple(sorted(labels.items()))),
        transition=T0,
        state="firing",
        rule=name,
        severity="critical" if rule % 5 == 0 else "warning",
        team="platform",
        labels=labels,
        series=labels,
        active_at=_moment(0),
        fired_at=_moment(0),
        changed_at=_moment(0),
    )


def _tell(board: Board, planned: Plan) -> None:
    for each in planned.due:
        for record in each.taken(T0 + 60):
            board.take(record.key(), record)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(T0 + seconds, UTC)


def _everything(_name: str) -> bool:
    return True
