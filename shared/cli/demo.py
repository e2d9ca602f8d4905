"""``bergline demo``: a fresh platform, webhooks of every source, and proof that each is a row."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.output import Format, Output, console, emit, table
from shared.cli.up import Ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from deploy.demo.report import Report
    from deploy.embedded.state import PlatformState
    from deploy.generator.poster import Outcome

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="The same seed posts the same bytes.")] = 42,
    deliveries: Annotated[int, typer.Option(help="Number of webhooks.")] = 920,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="Webhooks a second; as fast as answers come if not given."),
    ] = None,
    ports: Annotated[
        Ports, typer.Option(help="settings: the usual ports; auto: any that are free.")
    ] = Ports.SETTINGS,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the platform running afterwards.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Post signed webhooks of every source to a fresh platform and check every one of them.

    The posts hold creations, updates, deletions, redeliveries, overtaken versions and faulty
    bodies, as JSON, arrays of events and forms. Afterwards the answers, the broker's logs and SQL
    over the tables must agree event by event, and every derived table up to the sales mart must be
    what SQL makes of the raw rows. Then storage is stopped under traffic: alerts must fire,
    webhooks be accepted, and afterwards everything be as it should. The platform runs in a new
    directory below BERGLINE_DATA_DIR; the report stays there as demo-report.json. Exit code 6 when
    a check fails.
    """
    import asyncio

    from deploy.demo.run import Options, run
    from shared.runtime.errors import CheckFailed
    from shared.runtime.settings import data_dir

    options = Options(
        seed=seed, deliveries=deliveries, rate=rate, port_choice=ports.value, keep=keep
    )
    with _Steps(deliveries, live=output is Format.TEXT and sys.stderr.isatty()) as steps:
        try:
            made = asyncio.run(run(options, data_dir().absolute(), steps))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    emit(output, made.model_dump(mode="json"), _text(made, keep))
    if not made.ok:
        raise CheckFailed(
            "\n".join(f"{one.name}: {one.found}" for one in made.failed),
            f"the platform's data and logs are kept in {made.data_dir}",
        )


class _Steps:
    """A progress bar on a terminal, otherwise one JSON line per step."""

    def __init__(self, deliveries: int, *, live: bool) -> None:
        self._total = deliveries
        self._answered = 0
        self._conditions: dict[str, str] = {}
        self._behind: Mapping[str, int] = {}
        self._bar: Any = None
        if live:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
            from rich.progress import TimeElapsedColumn as Elapsed

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                Elapsed(),
                console=console(stderr=True),
            )
            self._task = self._bar.add_task("starting", total=deliveries)

    def __enter__(self) -> _Steps:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, name: str, **facts: object) -> None:
        """See :class:`deploy.demo.run.Steps`."""
        if self._bar is not None:
            self._bar.update(self._task, description=name)
        else:
            print(json.dumps({"step": name, **facts}), file=sys.stderr, flush=True)

    def started(self, platform: PlatformState) -> None:
        """See :class:`deploy.demo.run.Steps`."""
        for process in platform.processes:
            if process.is_well and self._conditions.get(process.name) != process.condition:
                self.step(f"{process.name} {process.condition}")
            self._conditions[process.name] = process.condition

    def posted(self, outcome: Outcome) -> None:
        """See :class:`deploy.demo.run.Steps`."""
        self._answered += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._answered)
        elif self._answered == self._total:
            self.step("posted", answers=self._answered, last_status=outcome.status)

    def waiting(self, missing: int) -> None:
        """See :class:`deploy.demo.run.Steps`."""
        self.step("waiting for rows", missing=missing)

    def deriving(self, behind: Mapping[str, int]) -> None:
        """See :class:`deploy.demo.run.Steps`."""
        if behind != self._behind:
            self.step("waiting for derived tables", missing=sum(behind.values()), **behind)
        self._behind = behind


def _text(made: Report, keep: bool) -> RenderableType:
    from rich.console import Group

    trace = made.trace
    derived = made.marts["tables"]
    parts: list[RenderableType] = [
        table(
            ("raw table", ">events", ">rows", ">lost", ">doubled"),
            [
                (name, each["events"], each["rows"], each["lost"], each["doubled"])
                for name, each in made.tables.items()
            ],
        ),
        "",
        table(
            ("derived table", ">rows", "SQL over raw says"),
            [
                (name, each["rows"], "[green]equal[/]" if each["equal"] else "[red]differs[/]")
                for name, each in derived.items()
            ],
        ),
        "",
        _freshness(made, "raw", "receipt → committed snapshot"),
        _freshness(made, "mart", "receipt → first mart snapshot that is complete up to it"),
        f"one event: {trace.get('webhook')} → {trace.get('topic')}/{trace.get('partition')}"
        f"/{trace.get('offset')} → snapshot {trace.get('snapshot_id')} → row of "
        f"{trace.get('table')}\n",
        table(
            ("", "ledger", "found"),
            [
                ("[green]✓[/]" if one.ok else "[red]✗[/]", one.name, one.found)
                for one in made.checks
            ],
        ),
        _incident(made),
        f"\n{made.deliveries} webhooks with {made.ledger['events']} events in "
        f"{made.seconds['post']} s, "
        f"{made.marts['orders']} orders in the mart, everything in {made.seconds['total']} s ("
        + ", ".join(f"{name} {made.seconds[name]}" for name in made.seconds if name != "total")
        + ")",
    ]
    if keep:
        parts.append(
            f"still running; stop it with: BERGLINE_DATA_DIR={made.data_dir} bergline down"
        )
    return Group(*parts)


def _incident(made: Report) -> str:
    told = made.incident

    def slowest(which: str) -> str:
        return f"{max(told[which].values(), default=float('nan')):.1f} s"

    return (
        f"\nincident: {told['stopped']} stopped for {told['down_s']:.1f} s, "
        f"{', '.join(told['fired_s']) or 'no alert'} firing after {slowest('fired_s')}, "
        f"{told['accepted']} of {told['posted']} webhooks accepted meanwhile; over "
        f"{slowest('resolved_s')} after it was started again, everything derived "
        f"{told['recovered_s']:.1f} s later, {told['lost']} lost, {told['doubled']} doubled"
    )


def _freshness(made: Report, layer: str, what: str) -> str:
    fresh = made.freshness_s[layer]
    bound = ", at most: snapshots were thinned" if layer in made.freshness_upper_bound else ""
    return (
        f"freshness of {layer}: p50 {fresh['p50']} s, p99 {fresh['p99']} s, max {fresh['max']} s "
        f"({what}{bound})"
    )
