"""Builds of derived tables, one at a time, in one process: plan, compute, commit, tidy up.

A table is built *live*, on ``main``, from what changed. What can only be computed from everything
is built *aside*, on the branch ``rebuild``, catches up there incrementally, and becomes ``main`` in
one asserted update; until then readers keep what they have. Only a table without a snapshot is
computed from everything on ``main`` right away, because it has no readers to disturb.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache

import structlog

from services.transformer.building.iceberg_lake import IcebergLake
from services.transformer.building.scratch import Scratch
from services.transformer.building.tables import Tables
from services.transformer.building.writing import WRITER, Written, changed_by_others, write
from services.transformer.config import TransformerSettings
from services.transformer.framework.build import Result, compute
from services.transformer.framework.plan import Full, Incremental, Nothing, Plan, plan
from services.transformer.framework.registry import TRANSFORMS
from services.transformer.framework.room import Room
from services.transformer.framework.transform import Group, Transform, derivation
from services.transformer.request import BuildReport, BuildRequest, Stage
from shared.contracts.days import Days
from shared.lake.branches import publish_branch, start_branch
from shared.lake.commit import Outcome, Stale, Thinning, find_commit
from shared.lake.folding import fold
from shared.lake.provenance import Provenance, traced
from shared.lake.reader import reachable
from shared.lake.returned_memory import give_back
from shared.lake.sweeping import Sweeper
from shared.lake.table_state import MAIN
from shared.lake.thinning import ThinningPolicy
from shared.runtime.errors import NotFound, Refused, Unavailable
from shared.tables.spec import TableSpec

BRANCH = "rebuild"
ATTEMPTS = 5
"""How often a build is planned again because its table moved on meanwhile."""

CATCH_UPS = 10
"""Rounds of catching up on the branch before the rebuild is handed over to be published."""

RENEWED_MS = 3_600_000
"""A recorded cut of that age is recorded anew even where nothing changed: a snapshot that somebody
has recorded cannot be thinned, and one that is thinned in the end costs a full build."""

log = structlog.stdlib.get_logger("bergline.transformer")


class Builder:
    """Builds tables of one environment; connections and manifests stay from build to build.

    For one thread, and one build at a time.

    Args:
        settings: where the lake is, and the key of tokens.
        transforms: what can be built.
        tables: the way to the tables; made from the settings unless given.
    """

    def __init__(
        self,
        settings: TransformerSettings,
        transforms: Mapping[str, Transform] = TRANSFORMS,
        tables: Tables | None = None,
    ) -> None:
        self._settings = settings
        self._transforms = transforms
        self._tables = tables or Tables(settings)
        self._sweepers: dict[str, Sweeper] = {}
        self._scratch = Scratch(settings.scratch_dir)
        self._scratch.sweep()

    def build(self, target: str, request: BuildRequest) -> BuildReport:
        """Carry out a request.

        Raises:
            NotFound: nothing builds that table, or the catalog lacks one that it needs.
            Refused: there is no rebuild to publish; an input cannot be read; no column tells of
                which day a row is.
            CheckFailed: the table's function breaks what it promises.
            Unavailable: catalog or store do not answer, or the table moved on again and again.
        """
        transform = self._transform(target)
        if request.days is not None and transform.target.dated is None:
            raise Refused(
                f"no column says of which day a row of {target} is", "refresh all of the table"
            )
        for _ in range(ATTEMPTS):
            try:
                with reachable(self._settings):
                    report = self._staged(transform, request)
            except Stale as error:
                log.info("planned again", table=target, reason=str(error))
                self._tables.handle(target).forget()
            except Unavailable:
                self._tables.renew()
                raise
            else:
                if report.mode == "full":
                    give_back()
                return report
            finally:
                self._scratch.clear()
        raise Unavailable(
            f"{target} moved on during each of {ATTEMPTS} builds",
            "see who else commits to it: `bergline runs list`",
        )

    def _staged(self, transform: Transform, request: BuildRequest) -> BuildReport:
        match request.stage:
            case Stage.LIVE:
                return self._live(transform, request)
            case Stage.REBUILD:
                return self._rebuild(transform, request)
            case Stage.PUBLISH:
                return self._publish(transform, request)

    def _transform(self, target: str) -> Transform:
        if target not in self._transforms:
            raise NotFound(
                f"nothing builds {target}", f"targets are: {', '.join(sorted(self._transforms))}"
            )
        return self._transforms[target]

    def _lake(self, ref: str, *, patient: bool = False) -> IcebergLake:
        return IcebergLake(self._tables, ref, patient=patient)

    def _plan(
        self,
        transform: Transform,
        lake: IcebergLake,
        as_of: date,
        full: str | None = None,
        days: Days | None = None,
    ) -> Plan:
        return plan(transform, lake, self._tables.topics, as_of, full=full, days=days)

    def _live(self, transform: Transform, request: BuildRequest) -> BuildReport:
        name, lake = transform.target.name, self._lake(MAIN)
        todo = self._plan(transform, lake, request.as_of, days=request.days)
        if isinstance(todo, Nothing):
            return BuildReport("nothing", "contains all that its inputs have")
        if isinstance(todo, Full) and todo.target.snapshot_id is not None:
            return BuildReport("nothing", todo.reason, rebuild=todo.reason)
        result = self._computed(transform, todo, lake)
        if result.idle and not self._due_for_renewal(todo, lake):
            return _report(transform, todo, result, lake, None)
        written = self._written(transform, result, lake, MAIN, request.build_id, request)
        self._fold(transform.target, request, MAIN)
        self._sweep(name)
        return _report(transform, todo, result, lake, written)

    def _rebuild(self, transform: Transform, request: BuildRequest) -> BuildReport:
        """Everything anew on the branch."""
        handle = self._tables.handle(transform.target.name)
        if handle.reload().current_snapshot_id is None:
            return self._live(transform, replace(request, stage=Stage.LIVE))
        started = f"{request.build_id}:start"
        start_branch(handle, BRANCH, commit_id=started, writer=WRITER)
        lake = self._lake(BRANCH, patient=True)
        todo = self._plan(transform, lake, request.as_of, full=request.reason or "asked for")
        if isinstance(todo, Nothing):
            raise TypeError("a full build that was asked for is never nothing")
        result = self._computed(transform, todo, lake)
        commit_id = f"{request.build_id}:full"
        written = self._written(transform, result, lake, BRANCH, commit_id, None)
        self._fold(transform.target, request, BRANCH)
        self._catch_up(transform, request)
        return _report(transform, todo, result, lake, written)

    def _catch_up(self, transform: Transform, request: BuildRequest) -> IcebergLake:
        """Bring the branch up to the inputs; the lake whose inputs it holds, which are at least
        those that ``main`` is built from there."""
        lake = self._lake(BRANCH)
        for _ in range(CATCH_UPS):
            lake = self._lake(BRANCH)
            todo = self._plan(transform, lake, request.as_of)
            if isinstance(todo, Nothing):
                return lake
            if isinstance(todo, Full):
                raise Refused(
                    f"the rebuild of {transform.target.name} is of no use any more: {todo.reason}",
                    "it is built anew",
                )
            result = self._computed(transform, todo, lake)
            if result.idle:
                return lake
            # Another id for every head: a commit that is found under its id is not sent again.
            commit_id = f"{request.build_id}:{todo.target.snapshot_id}"
            self._written(transform, result, lake, BRANCH, commit_id, None)
        return lake  # the one built last: what came to main since is not on the branch

    def _publish(self, transform: Transform, request: BuildRequest) -> BuildReport:
        name = transform.target.name
        handle = self._tables.handle(name)
        state = handle.reload()
        if state.head_id(BRANCH) is None:
            landed = self._published(name, request)
            if landed is not None:
                return landed
            raise Refused(f"{name} has no branch {BRANCH} to publish", "rebuild it first")
        lake = self._catch_up(transform, request)
        outcome = publish_branch(
            handle,
            BRANCH,
            lake.state(name).current_snapshot_id,
            commit_id=request.build_id,
            writer=WRITER,
        )
        return _of(outcome, BuildReport("full", request.reason))

    def _published(self, name: str, request: BuildRequest) -> BuildReport | None:
        """The report of a publication whose answer was lost."""
        state = self._tables.handle(name).state()
        landed = find_commit(state, request.build_id)
        if landed is None:
            return None
        return replace(
            BuildReport("full", request.reason),
            snapshot_id=landed.snapshot_id,
            sequence_number=landed.sequence_number,
        )

    def _computed(
        self, transform: Transform, todo: Incremental | Full, lake: IcebergLake
    ) -> Result:
        room = Room(self._settings.transformer_build_portion_bytes, self._scratch.directory)
        result = compute(transform, todo, lake, datetime.now(UTC), room)
        if isinstance(transform, Group) and result.largest > transform.bound:
            log.warning(
                "a group is larger than declared",
                table=transform.target.name,
                rows=result.largest,
                bound=transform.bound,
            )
        return result

    def _written(
        self,
        transform: Transform,
        result: Result,
        lake: IcebergLake,
        ref: str,
        commit_id: str,
        request: BuildRequest | None,
    ) -> Written:
        name = transform.target.name
        state = lake.state(name)
        written = write(
            self._tables.handle(name),
            transform.target,
            result,
            state.head(ref),
            changed_by_others(traced(state, ref).foreign),
            commit_id=commit_id,
            ref=ref,
            thinning=_thinning(request),
        )
        self._scratch.clear()  # what follows may take long
        self._removed(name, written.outcome)
        return written

    def _due_for_renewal(self, todo: Incremental | Full, lake: IcebergLake) -> bool:
        if todo.started is None:
            return True
        now_ms = datetime.now(UTC).timestamp() * 1000
        recorded = (
            lake.state(table).snapshot_by_id(cut.snapshot_id)
            for table, cut in todo.started.sources.items()
        )
        return any(each is None or now_ms - each.timestamp_ms > RENEWED_MS for each in recorded)

    def _fold(self, spec: TableSpec, request: BuildRequest, ref: str) -> None:
        """Fold deletes where it is due. A build that is committed does not fail for it."""
        handle = self._tables.handle(spec.name)
        try:
            outcome = fold(
                handle,
                spec,
                commit_id=f"{request.build_id}:fold",
                writer=WRITER,
                ref=ref,
                thinning=_thinning(request) if ref == MAIN else None,
            )
        except Exception as error:  # noqa: BLE001 - the next build sees to it
            log.warning("not folded", table=spec.name, error=f"{type(error).__name__}: {error}")
            handle.forget()
            return
        if outcome is not None:
            self._removed(spec.name, outcome)

    def _removed(self, name: str, outcome: Outcome) -> None:
        sweeper = self._sweepers.setdefault(name, Sweeper())
        sweeper.removed(outcome.state.table_uuid, outcome.removed)

    def _sweep(self, name: str) -> None:
        """Delete manifests that thinning made superfluous, when it is safe; never fails a build."""
        sweeper = self._sweepers.get(name)
        if sweeper is None or not sweeper.due():
            return
        handle = self._tables.handle(name)
        try:
            sweeper.sweep(handle.reload(), handle.table.io)
        except Exception as error:  # noqa: BLE001 - what still waits is tried at the next build
            log.warning("not swept", table=name, error=f"{type(error).__name__}: {error}")


@lru_cache(maxsize=4)
def _builder(settings: TransformerSettings) -> Builder:
    return Builder(settings)


def build(settings: TransformerSettings, target: str, request: BuildRequest) -> BuildReport:
    """:meth:`Builder.build` with the builder that this process keeps for these settings."""
    return _builder(settings).build(target, request)


def _thinning(request: BuildRequest | None) -> Thinning | None:
    """Thinning, if it is known what is announced: it must never outrun the announcements."""
    if request is None or request.announced is None:
        return None
    return Thinning(ThinningPolicy(), request.pinned, request.announced)


def _moved(todo: Incremental) -> str:
    """Why there is something to do, in words."""
    started: Provenance = todo.started
    moved = [t for t, cut in todo.provenance.sources.items() if started.sources.get(t) != cut]
    reasons = [f"{', '.join(sorted(moved))} moved on"] if moved else []
    if todo.ticked:
        reasons.append(f"the business date is {todo.provenance.as_of}")
    if todo.days is not None:
        reasons.append(f"{todo.days} computed anew")
    return " and ".join(reasons) or "how far it is complete moved on"


def _report(
    transform: Transform,
    todo: Incremental | Full,
    result: Result,
    lake: IcebergLake,
    written: Written | None,
) -> BuildReport:
    report = BuildReport(
        mode="full" if isinstance(todo, Full) else "incremental",
        reason=todo.reason if isinstance(todo, Full) else _moved(todo),
        rows_read=lake.stats.rows,
        bytes_read=lake.stats.bytes,
        rows_added=result.added,
        rows_removed=result.removed,
        sources={t: cut.snapshot_id for t, cut in result.provenance.sources.items()},
        as_of=result.provenance.as_of if derivation(transform.target).ticked else None,
    )
    if written is None:
        reason = "its inputs were only rewritten"
        if isinstance(todo, Incremental) and todo.days is not None:
            reason = f"{todo.days} are as they should be"
        return replace(report, mode="nothing", reason=reason)
    return _of(written.outcome, replace(report, bytes_written=written.bytes))


def _of(outcome: Outcome, report: BuildReport) -> BuildReport:
    snapshot = outcome.snapshot
    if snapshot is None:
        return report
    return replace(
        report, snapshot_id=snapshot.snapshot_id, sequence_number=snapshot.sequence_number
    )
