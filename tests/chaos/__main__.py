"""``python -m tests.chaos``: rounds of faults under traffic, then the audit.

``--broker-away 120`` is another run: the broker is away for so long, ingest instances are killed
meanwhile (:mod:`tests.chaos.broker_away`).

Progress goes to standard error, the report to standard output. Exit code 1 when a promise was
broken; logs, data and ledger are kept then.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, fail, progress
from shared.runtime.errors import BerglineError
from tests.chaos import namespace
from tests.chaos.faults import BROKER, STORAGE, Target, plan

RATE = 300.0
DISK_BYTES = 4 * 2**30

app = typer.Typer(add_completion=False)


@app.command()
def chaos(
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds.")] = 20,
    seed: Annotated[
        int | None, typer.Option(help="The same seed does the same; random by default.")
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Webhooks a second.")] = RATE,
    broker_away: Annotated[
        float | None,
        typer.Option(min=4, help="No rounds: the broker is away for so many seconds."),
    ] = None,
    output: Output = Format.TEXT,
) -> None:
    """Kill, stop and starve the platform under load; every promise is audited afterwards."""
    chosen = time.time_ns() % 1_000_000 if seed is None else seed
    directory = Path(tempfile.mkdtemp(prefix="bergline-chaos-"))
    if broker_away is not None:
        _away(directory, broker_away, chosen, rate, output)
        return
    made = _run(directory, rounds, chosen, rate)
    from tests.chaos.report import text

    emit(output, made, text(made))
    if made["verdict"] != "clean":
        raise BerglineError(
            f"a promise was broken with seed {chosen}",
            f"look into {made['kept']}; again: make chaos ROUNDS={rounds} SEED={chosen}",
        )


def _away(directory: Path, seconds: float, seed: int, rate: float, output: Format) -> None:
    from tests.bench.report import machine
    from tests.chaos.broker_away.report import report, text
    from tests.chaos.broker_away.scenario import Scenario

    where = machine()
    progress("starting", away_s=seconds, rate=rate, seed=seed, directory=directory)
    run = Scenario(
        directory, away_s=seconds, rate=rate, seed=seed, while_replaying=True, tell=progress
    )()
    made = report(run, away_s=seconds, rate=rate, seed=seed, machine=where, kept=str(directory))
    emit(output, made, text(made))
    if made["verdict"] != "clean":
        again = f"--broker-away {seconds:g} --rate {rate:g} --seed {seed}"
        raise BerglineError(
            f"a promise was broken with seed {seed}",
            f'look into {made["kept"]}; again: make chaos ARGS="{again}"',
        )
    shutil.rmtree(directory)


def _run(directory: Path, rounds: int, seed: int, rate: float) -> dict[str, Any]:
    from tests.bench.report import machine
    from tests.chaos import (
        derived_audit,
        derived_evidence,
        maintenance_audit,
        maintenance_evidence,
    )
    from tests.chaos.audit import audit
    from tests.chaos.derived_history import DerivedHistory
    from tests.chaos.evidence import gather
    from tests.chaos.history import History
    from tests.chaos.memory import growth
    from tests.chaos.report import report
    from tests.chaos.rounds import RoundResult, Runner, chaos_platform, traffic_to

    def told(result: RoundResult) -> None:
        ends = "" if result.settled_s is None else f"{result.settled_s:g} s"
        faults = ", ".join(result.faults)
        accepted = traffic.counts["accepted"]
        progress(f"round {result.number}", faults=faults, settled=ends, accepted=accepted)

    where = machine()
    missing = left_out()
    rounds_planned = plan(seed, rounds, frozenset(missing))
    disks = {str(each): DISK_BYTES for each in (BROKER, STORAGE) if each not in missing}
    platform = chaos_platform(directory, disks)
    seconds: dict[str, float] = {}
    clean = False
    try:
        progress("starting", rounds=rounds, seed=seed, directory=directory)
        began = time.monotonic()
        platform.start()
        seconds["start"] = time.monotonic() - began
        history, derived = History(platform.settings), DerivedHistory(platform.settings)
        traffic = traffic_to(platform, directory / "ledger.csv", rate, seed)
        traffic.start()
        began = time.monotonic()
        try:
            run = Runner(platform, traffic, history, derived, told)(rounds_planned)
        finally:
            traffic.stop(patience_s=5.0)
        seconds["rounds"] = time.monotonic() - began
        progress("auditing")
        began = time.monotonic()
        evidence = built = maintained = None
        violations = []
        if run.stalled is None:
            evidence = gather(platform.settings, history, directory / "ledger.csv")
            built = derived_evidence.gather(platform.settings, derived)
            maintained = maintenance_evidence.gather(platform.settings, run.outages)
            violations = [
                *audit(evidence),
                *derived_audit.audit(built),
                *maintenance_audit.audit(maintained),
            ]
        seconds["audit"] = time.monotonic() - began
        made = report(
            seed=seed,
            rate=rate,
            plan=rounds_planned,
            run=run,
            traffic=traffic,
            evidence=evidence,
            built=built,
            maintained=maintained,
            violations=violations,
            growths=growth(run.memory) if run.memory else [],
            left_out={f"disk full {target}": why for target, why in missing.items()},
            machine=where,
            seconds=seconds,
            kept=str(directory),
        )
        clean = made["verdict"] == "clean"
        return made | {"kept": None} if clean else made
    finally:
        if not clean:
            keep(directory)
        platform.close()
        if clean:
            shutil.rmtree(directory)


def left_out() -> dict[Target, str]:
    """Whose disk cannot be made full here, and why."""
    from tests.support.broker import chosen

    why = namespace.reason()
    missing = {} if why is None else dict.fromkeys((BROKER, STORAGE), why)
    if chosen() == "kafka":
        missing[BROKER] = "the broker is a real Kafka, whose directory is not on a disk of ours"
    return missing


def keep(directory: Path) -> None:
    """Copy what lies on the small disks, which end with this process, beside the logs."""
    for name in ("broker", "storage"):
        source = directory / "data" / name
        if source.is_mount():
            shutil.copytree(source, directory / f"{name}-data", symlinks=True)


def main() -> None:
    """Run; SIGTERM ends the platform, too."""
    namespace.enter("tests.chaos", sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        typer.main.get_command(app)(prog_name="python -m tests.chaos")
    except BerglineError as error:
        fail(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
