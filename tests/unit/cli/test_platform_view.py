"""The platform as ``status`` shows it: what is not well, and what is well and speaks."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console

from deploy.embedded.state import PlatformState, ProcessState
from shared.cli.platform_view import LONGEST_NOTE, as_json, as_table

BROKEN = {"rules_broken": "rules with a problem:\nrules/mine.yaml:3:1: not YAML\nmend it"}
SPOOLING = {"spooling": {"reason": "no broker", "records": 12}}


def platform(**conditions: Any) -> PlatformState:
    return PlatformState(
        supervisor_pid=os.getpid(),
        supervisor_created=0.0,
        phase="ready",
        processes=tuple(
            ProcessState(name=name, service=name, condition=condition)
            for name, condition in conditions.items()
        ),
    )


def lines(state: PlatformState, notes: dict[str, Any]) -> dict[str, str]:
    console = Console(width=160, no_color=True)
    with console.capture() as captured:
        console.print(as_table(state, {}, notes))
    return {line.split()[0]: line for line in captured.get().splitlines()}


def test_what_a_ready_process_has_to_say_stands_behind_it() -> None:
    state = platform(ingest="ready", alerter="ready")
    shown = lines(state, {"alerter": BROKEN, "ingest": SPOOLING})
    assert "rules with a problem: rules/mine.yaml:3:1: not YAML; mend it" in shown["alerter"]
    assert "spooling: reason no broker, records 12" in shown["ingest"]
    told = {
        each["name"]: each["notes"] for each in as_json(state, {}, {"alerter": BROKEN})["processes"]
    }
    assert told == {"ingest": {}, "alerter": BROKEN}


def test_a_long_note_is_cut_where_people_look_and_whole_where_programs_do() -> None:
    state, long = platform(alerter="ready"), {"rules_held": "Rule, " * 100}
    console = Console(width=1000, no_color=True)
    with console.capture() as captured:
        console.print(as_table(state, {}, {"alerter": long}))
    assert captured.get().count("Rule, ") == LONGEST_NOTE // 6
    assert as_json(state, {}, {"alerter": long})["processes"][0]["notes"] == long


def test_all_is_ready_when_each_is() -> None:
    assert "not_ready" in lines(platform(storage="not_ready", alerter="ready"), {})["all"]
    assert "not_ready" not in lines(platform(bootstrap="done", alerter="ready"), {})["all"]
