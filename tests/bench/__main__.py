"""``python -m tests.bench NAME``: run one benchmark and print one report.

``--quick`` does little work in one round: it shows that a benchmark runs, its figures mean nothing.
Progress goes to standard error. With ``--output json`` the last line of standard output is the
report: ``{"name", "machine", "rounds", "measures": [{"name", "value", "unit", "ratio", "peer",
"spread"}]}``, its parts described in :mod:`tests.bench.report`.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, fail, progress, table
from shared.cli.words import cell, stacked
from shared.runtime.errors import BerglineError, ConfigurationError, NotFound


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark.

    Attributes:
        module: where ``run(rounds: int, *, quick: bool) -> list[Measure]`` is; imported when it is
            used.
        rounds: how often everything takes its turn unless ``--rounds`` says otherwise.
        line: what it measures, beside what.
        rated: ``run`` takes ``rate`` as well, in webhooks a second.
        sized: ``run`` takes ``rows`` as well, the numbers of rows at which it measures.
    """

    module: str
    rounds: int
    line: str
    rated: bool = False
    sized: bool = False


BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType(
    {
        "ingest": Benchmark(
            "tests.bench.ingest",
            3,
            "durable webhooks, events, spooled ones per CPU-second, beside a bare aiohttp server",
        ),
        "parsing": Benchmark(
            "tests.bench.parsing",
            7,
            "records to Arrow rows per CPU-second, beside pyarrow.json and orjson by rows",
        ),
        "stream-writer": Benchmark(
            "tests.bench.writer",
            5,
            "topic to committed snapshots per CPU-second, beside a Kafka client and pyarrow",
        ),
        "commit": Benchmark(
            "tests.bench.commit",
            7,
            "CPU and wall clock of a commit at 10 to 10,000 retained snapshots, beside PyIceberg",
        ),
        "freshness": Benchmark(
            "tests.bench.freshness",
            3,
            "webhook to its row read (500/s) and to the sales mart (200/s), or at --rate; wall",
            rated=True,
        ),
        "staging": Benchmark(
            "tests.bench.staging",
            5,
            "raw orders to staged ones per CPU-second, beside the same rules in DuckDB",
        ),
        "reads": Benchmark(
            "tests.bench.reads",
            5,
            "rows of keys and changed rows of a table of a million rows; CPU",
        ),
        "build": Benchmark(
            "tests.bench.builds.side_by_side",
            3,
            "CPU from raw orders to the mart, 0.1 % changed and in full, beside DuckDB, dbt, Spark",
            sized=True,
        ),
        "compact": Benchmark(
            "tests.bench.compaction.side_by_side",
            3,
            "small files rewritten, MB per CPU-second and memory, beside Spark and a Rust library",
            sized=True,
        ),
        "alert": Benchmark(
            "tests.bench.alerting.figures",
            5,
            "CPU of 1,000 rules and of planning 5,000 alerts; event to alert, beside Prometheus",
        ),
        "platform": Benchmark(
            "tests.bench.platform",
            3,
            "cold start, warm start, memory and CPU at rest, stop; wall clock",
        ),
        "scale": Benchmark(
            "tests.bench.scale",
            3,
            "1, 2 and 4 workers of each service: throughput, commits, conflicts, rebalance gap",
        ),
        "peers": Benchmark(
            "tests.bench.peers.side_by_side",
            3,
            "topic to snapshots per CPU-second, beside Flink SQL and Iceberg Kafka Connect",
        ),
    }
)
"""Every benchmark. To add one: a module with ``run``, and one entry here."""

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    name: Annotated[
        str | None, typer.Argument(help="Which one; without a name they are listed.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often everything takes its turn.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=1, help="Webhooks a second, where a benchmark takes them.")
    ] = None,
    rows: Annotated[
        str | None, typer.Option(help="Numbers of rows, where a benchmark takes them: 10000,50000.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Little work: shows that it runs, measures nothing.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the benchmarks.")] = False,
    output: Output = Format.TEXT,
) -> None:
    """Run one benchmark and print what it measured."""
    if name is None or listed:
        _list(output)
        return
    chosen = BENCHMARKS.get(name)
    if chosen is None:
        raise NotFound(
            f"there is no benchmark {name!r}", f"choose one of: {', '.join(sorted(BENCHMARKS))}"
        )
    if rate is not None and not chosen.rated:
        raise ConfigurationError(f"the benchmark {name!r} knows no rate", "leave --rate away")
    if rows is not None and not chosen.sized:
        raise ConfigurationError(f"the benchmark {name!r} knows no rows", "leave --rows away")
    chosen_rows = {} if rows is None else {"rows": _numbers(rows)}
    from tests.bench.report import machine, report

    where = machine()
    times = rounds or (1 if quick else chosen.rounds)
    progress("measuring", benchmark=name, rounds=times, load_before=where.load_before[0])
    run = importlib.import_module(chosen.module).run
    chosen_rate = {} if rate is None else {"rate": rate}
    measures = run(times, quick=quick, **chosen_rate, **chosen_rows)
    made = report(name, times, where, measures)
    emit(output, made, _text(made))


def _numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigurationError(
            f"--rows {text!r}: whole numbers are wanted", "for example --rows 10000,1000000"
        ) from None


def _list(output: Format) -> None:
    rows = [(name, str(each.rounds), each.line) for name, each in BENCHMARKS.items()]
    listing = {
        name: {"rounds": each.rounds, "measures": each.line} for name, each in BENCHMARKS.items()
    }
    emit(output, {"benchmarks": listing}, table(("benchmark", ">rounds", "measures"), rows))


def _text(made: Mapping[str, Any]) -> Any:
    where = made["machine"]
    load = " ".join(f"{each:g}" for each in where["load_before"])
    rounds = "1 round" if made["rounds"] == 1 else f"{made['rounds']} rounds"
    head = (
        f"{made['name']}, {rounds}, on {where['cores']} cores of {where['cpu']}, "
        f"{where['memory_gib']} GiB, {where['system']}, Python {where['python']}, load {load}"
    )
    columns = ("measure", ">value", "unit", ">spread", ">ratio", "to peer")
    rows = [
        [cell(each[key]) for key in ("name", "value", "unit", "spread", "ratio", "peer")]
        for each in made["measures"]
    ]
    return stacked(cell(head), table(columns, rows))


def main() -> None:
    """Run; SIGTERM ends the processes of a benchmark, too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        typer.main.get_command(app)(prog_name="python -m tests.bench")
    except BerglineError as error:
        fail(error)
        sys.exit(error.exit_code)
    except AssertionError as error:
        # So the processes of tests.support say that they did not come up, with their logs.
        fail(BerglineError(f"what the benchmark runs on failed: {error}", "run it once more"))
        sys.exit(BerglineError.exit_code)


if __name__ == "__main__":
    main()
