"""A build beside the table, on the branch ``rebuild``, which then becomes the table.

Readers keep what they have until the branch is published, in one asserted update.
"""

from __future__ import annotations

from dataclasses import replace

from services.transformer.building.iceberg_lake import IcebergLake
from services.transformer.building.live import live
from services.transformer.building.reports import committed, report
from services.transformer.building.steps import Steps
from services.transformer.building.writing import WRITER
from services.transformer.framework.plan import Full, Nothing
from services.transformer.framework.transform import Transform
from services.transformer.request import BuildReport, BuildRequest, Stage
from shared.lake.branches import publish_branch, start_branch
from shared.lake.commit import find_commit
from shared.runtime.errors import Refused

BRANCH = "rebuild"
CATCH_UPS = 10
"""Rounds of catching up on the branch before the rebuild is handed over to be published."""


def rebuild(steps: Steps, transform: Transform, request: BuildRequest) -> BuildReport:
    """Carry out a request of the stage ``REBUILD``: everything anew on the branch."""
    handle = steps.tables.handle(transform.target.name)
    if handle.reload().current_snapshot_id is None:
        return live(steps, transform, replace(request, stage=Stage.LIVE))
    started = f"{request.build_id}:start"
    start_branch(handle, BRANCH, commit_id=started, writer=WRITER)
    lake = steps.lake(BRANCH, patient=True)
    todo = steps.plan(transform, lake, request.as_of, full=request.reason or "asked for")
    if isinstance(todo, Nothing):
        raise TypeError("a full build that was asked for is never nothing")
    result = steps.computed(transform, todo, lake)
    commit_id = f"{request.build_id}:full"
    written = steps.written(transform, result, lake, BRANCH, commit_id, None)
    steps.tidying.fold(transform.target, request, BRANCH)
    _catch_up(steps, transform, request)
    return report(transform, todo, result, lake, written)


def publish(steps: Steps, transform: Transform, request: BuildRequest) -> BuildReport:
    """Carry out a request of the stage ``PUBLISH``: the branch becomes the table.

    Raises:
        Refused: there is no branch.
    """
    name = transform.target.name
    handle = steps.tables.handle(name)
    state = handle.reload()
    if state.head_id(BRANCH) is None:
        landed = _published(steps, name, request)
        if landed is not None:
            return landed
        raise Refused(f"{name} has no branch {BRANCH} to publish", "rebuild it first")
    lake = _catch_up(steps, transform, request)
    outcome = publish_branch(
        handle,
        BRANCH,
        lake.state(name).current_snapshot_id,
        commit_id=request.build_id,
        writer=WRITER,
    )
    return committed(outcome, BuildReport("full", request.reason))


def _catch_up(steps: Steps, transform: Transform, request: BuildRequest) -> IcebergLake:
    """Bring the branch up to the inputs; the lake whose inputs it holds, which are at least
    those that ``main`` is built from there."""
    lake = steps.lake(BRANCH)
    for _ in range(CATCH_UPS):
        lake = steps.lake(BRANCH)
        todo = steps.plan(transform, lake, request.as_of)
        if isinstance(todo, Nothing):
            return lake
        if isinstance(todo, Full):
            raise Refused(
                f"the rebuild of {transform.target.name} is of no use any more: {todo.reason}",
                "it is built anew",
            )
        result = steps.computed(transform, todo, lake)
        if result.idle:
            return lake
        # Another id for every head: a commit that is found under its id is not sent again.
        commit_id = f"{request.build_id}:{todo.target.snapshot_id}"
        steps.written(transform, result, lake, BRANCH, commit_id, None)
    return lake  # the one built last: what came to main since is not on the branch


def _published(steps: Steps, name: str, request: BuildRequest) -> BuildReport | None:
    """The report of a publication whose answer was lost."""
    state = steps.tables.handle(name).state()
    landed = find_commit(state, request.build_id)
    if landed is None:
        return None
    return replace(
        BuildReport("full", request.reason),
        snapshot_id=landed.snapshot_id,
        sequence_number=landed.sequence_number,
    )
