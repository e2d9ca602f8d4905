"""A healthy day fires nothing but the sign of life; one on which nobody builds does.

A day of events on a simulated clock goes through signals, the built-in rules as they are, and the
lifecycle: traffic by day and none at night, builds, compactions, hourly expiry, a daily export.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.standing import Standing
from services.alerter.rules.ruleset import rule_files
from shared.alerting.reach import windows
from shared.alerting.series import SignalSource, Vector, labels
from shared.alerting.signals.alive import Alive
from shared.alerting.signals.every import Sources, following
from shared.alerting.signals.refused_rows import REJECTED
from shared.alerting.signals.rhythm import Remembered
from shared.alerting.store import SeriesStore
from shared.contracts.builds import BuildSucceeded
from shared.contracts.event import Event
from shared.contracts.maintenance import JobName, MaintenanceSucceeded
from shared.contracts.tables import SourcePosition, TableCommitted
from shared.contracts.topics import BUILDS, COMMITS, DEAD_LETTERS, MAINTENANCE, TABLES
from shared.tables.lineage import in_order, reads, upstream
from shared.tables.registry import TABLES as DECLARED
from tests.unit.alerter.example_rules import Said

MIDNIGHT = datetime(2026, 11, 26, tzinfo=UTC)
TICK = timedelta(seconds=60)
BUSY = "raw.shopify_orders"
GA4 = "raw.ga4_events"
LANDING = sorted(
    name for name, spec in DECLARED.items() if spec.topics and DEAD_LETTERS not in spec.topics
)
DERIVED = [name for name, spec in DECLARED.items() if spec.derived is not None]
HOUR_S = 3600.0
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class World:
    """The platform, as far as its events tell of it."""

    last: dict[str, TableCommitted] = field(default_factory=dict)
    commits: dict[str, list[datetime]] = field(default_factory=dict)

    def landed(self, table: str, at: datetime, rows: int) -> TableCommitted:
        """A commit to a landing table, of deliveries of the second before."""
        [topic] = DECLARED[table].topics
        before = self.last.get(table)
        offset = before.offsets[topic][0] if before else 0
        return self._commit(
            table,
            at,
            added_rows=rows,
            offsets={topic: {0: offset + rows}},
            oldest_received_at=at - timedelta(seconds=1),
        )

    def built(self, at: datetime) -> Iterator[tuple[str, Event]]:
        """Every derived table takes in what it lacks."""
        for name in (each for each in in_order(DECLARED) if each in DERIVED):
            inputs = [self.last[each] for each in reads(DECLARED[name]) if each in self.last]
            sources = {
                each.table: SourcePosition(
                    uuid=each.uuid,
                    snapshot_id=each.snapshot_id,
                    sequence_number=each.sequence_number,
                )
                for each in inputs
            }
            before = self.last.get(name)
            if not inputs or (before is not None and before.sources == sources):
                continue
            complete = {
                topic: dict(offsets)
                for each in sorted(upstream(name, DECLARED) & self.last.keys())
                for topic, offsets in self.last[each].offsets.items()
            }
            rows = 0 if name.endswith(REJECTED) else 1
            yield (
                COMMITS,
                self._commit(name, at, added_rows=rows, sources=sources, complete=complete),
            )
            yield (
                BUILDS,
                BuildSucceeded(
                    build_id=f"{name}/{at.isoformat()}",
                    target=name,
                    mode="incremental",
                    cause="commit",
                    wave="wave",
                    attempt=1,
                    seconds=0.5,
                    succeeded_at=at,
                ),
            )

    def maintained(self, table: str, job: JobName, at: datetime) -> MaintenanceSucceeded:
        """A job of maintenance ended well."""
        return MaintenanceSucceeded(
            job_id=f"{table}/{job}/{at.isoformat()}",
            job=job,
            table=table,
            status="succeeded",
            cause="timer",
            seconds=1.0,
            succeeded_at=at,
        )

    def compacted(self, table: str, at: datetime) -> Iterator[tuple[str, Event]]:
        """A table's files become one."""
        before = self.last[table]
        yield (
            COMMITS,
            self._commit(
                table,
                at,
                operation="replace",
                offsets=before.offsets,
                sources=before.sources,
                complete=before.complete,
                total_files=1,
            ),
        )
        yield MAINTENANCE, self.maintained(table, "compact", at)

    def _commit(self, table: str, at: datetime, **fields: object) -> TableCommitted:
        before = self.last.get(table)
        number = before.sequence_number + 1 if before else 1
        rows = (before.total_rows or 0) if before else 0
        files = (before.total_files or 0) if before else 0
        self.commits.setdefault(table, []).append(at)
        added = fields.get("added_rows", 0)
        assert isinstance(added, int)
        made = TableCommitted.model_validate(
            {
                "table": table,
                "uuid": f"uuid of {table}",
                "snapshot_id": number,
                "parent_snapshot_id": number - 1 or None,
                "sequence_number": number,
                "operation": "append",
                "committed_at": at,
                "total_rows": rows + added,
                "total_files": files + 1,
                "snapshots": thinned(self.commits[table]),
                **fields,
            }
        )
        self.last[table] = made
        return made


def thinned(commits: Sequence[datetime]) -> int:
    """Of commits with the last one's history: all of two minutes, each minute's last of an hour,
    each hour's last."""
    now = commits[-1]
    kept = {each for each in commits if now - each < timedelta(minutes=2)}
    kept |= set({each.replace(second=0): each for each in commits if now - each < HOUR}.values())
    kept |= set({each.replace(minute=0, second=0): each for each in commits}.values())
    return len(kept)


def events(*, until_built: float = 24.0) -> Iterator[tuple[datetime, str, Event]]:
    """What happens on that day, in order; nobody builds after this hour."""
    chance, world = random.Random(7), World()
    arrivals: dict[str, datetime] = {
        name: MIDNIGHT + timedelta(hours=7, minutes=chance.uniform(0, 20)) for name in LANDING
    }
    arrivals[GA4] = MIDNIGHT + timedelta(hours=4, minutes=10)
    build_at: datetime | None = None
    now, end = MIDNIGHT, MIDNIGHT + timedelta(days=1)
    while now < end:
        for table, at in arrivals.items():
            if at > now:
                continue
            yield now, COMMITS, world.landed(table, now, chance.randint(1, 40))
            pause = 2.0 if table == BUSY else chance.uniform(4, 25)
            arrivals[table] = now + timedelta(minutes=pause)
            if table == GA4 or (now - MIDNIGHT).total_seconds() > 23 * HOUR_S:
                arrivals[table] = end
            build_at = build_at or now + timedelta(seconds=4)
        if build_at is not None and build_at <= now:
            if (now - MIDNIGHT).total_seconds() < until_built * HOUR_S:
                for topic, event in world.built(now):
                    yield now, topic, event
            build_at = None
        for table, last in list(world.last.items()):
            if (last.total_files or 0) > 50:
                for topic, event in world.compacted(table, now):
                    yield now, topic, event
        if now.minute == 0 and now.second < 5:
            for table in list(world.last):
                yield now, MAINTENANCE, world.maintained(table, "expire", now)
        now += timedelta(seconds=5)


def learned() -> dict[str, Remembered]:
    """What an alerter knows that has watched for weeks: nights are silent."""
    last = (MIDNIGHT - timedelta(hours=1)).timestamp()
    night = {int(MIDNIGHT.timestamp() // HOUR_S) - 17: (240.0, 8.2 * HOUR_S)}
    return {
        name: Remembered(first=last - 14 * 86_400, last=last, times=4000, gaps=night)
        for name in LANDING
        if name != GA4
    }


def others() -> list[SignalSource]:
    """What is asked, and answers as it should all day."""
    up: Vector = {labels(target=each): 1.0 for each in ("catalog", "object_store", "broker")}
    store = labels(target="object_store")
    groups = ("alerter", "maintainer", "stream_writer", "transformer")
    return [
        Alive(),
        Said(lakehouse_probe_up=up, lakehouse_probe_duration_seconds={}),
        Said(
            lakehouse_storage_free_ratio={store: 0.6},
            lakehouse_storage_free_bytes={store: 6e11},
            lakehouse_storage_total_bytes={store: 1e12},
        ),
        Said(
            lakehouse_consumer_lag_records={
                labels(group="stream_writer", topic="shopify.orders"): 40.0
            },
            lakehouse_consumer_group_members={labels(group=each): 1.0 for each in groups},
        ),
    ]


def fired(day: Iterator[tuple[datetime, str, Event]]) -> dict[str, set[str]]:
    """Rules that fired on a day, and the tables that they fired for."""
    files = rule_files(None, 1.0)
    files.look()
    rules = files.value
    followed: Sources = following(
        DECLARED,
        [topic for name in LANDING for topic in DECLARED[name].topics],
        expected={GA4: 26 * HOUR_S},
        remembered=learned(),
    )
    for topic in {each for source in followed.all for each in source.reads} | {TABLES}:
        followed.caught_up(topic)
    sources = [*followed.all, *others()]
    store, standing = SeriesStore(), Standing()
    store.retain(windows([rule.condition for rule in rules.values()]))
    judge = Judge(store, standing)
    found: dict[str, set[str]] = {}
    held: set[str] = set()
    due = dict.fromkeys(rules, MIDNIGHT)
    coming = next(day, None)
    now = MIDNIGHT
    while now < MIDNIGHT + timedelta(days=1):
        while coming is not None and coming[0] <= now:
            followed.event(coming[1], coming[2])
            coming = next(day, None)
        for source in sources:
            assert source.known(now.timestamp())
            store.take(source.names, source.vectors(now.timestamp()), now.timestamp())
        for name, rule in rules.items():
            if due[name] > now:
                continue
            due[name] = now + timedelta(seconds=rule.interval_s)
            judged = judge.judge(rule, now.timestamp())
            if judged is None:
                held.add(name)
                continue
            for alert in judged.changed:
                if alert.state == "firing":
                    found.setdefault(name, set()).add(dict(alert.labels).get("table", ""))
        now += TICK
    assert not held, "every rule is evaluated on such a day"
    return found


def test_a_quiet_healthy_day_fires_nothing() -> None:
    assert fired(events()) == {"AlerterAlive": {""}}


def test_a_day_on_which_nobody_builds_any_more_does() -> None:
    found = fired(events(until_built=12.0))
    assert found.keys() == {
        "AlerterAlive",
        "FreshnessObjectiveBurn",
        "PipelineDurationHigh",
        "PipelineStale",
        "StagingDataStale",
    }
    assert BUSY in found["PipelineDurationHigh"]
    assert "core.orders" in found["PipelineStale"]
    assert all(table.startswith("staging.") for table in found["StagingDataStale"])
