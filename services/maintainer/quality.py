"""The check of the entity index: a job of the maintainer that has the index, and changes nothing.

It asks several tables, and is of one: the index, whose requests decide which worker does it, be it
there yet or not.
"""

from __future__ import annotations

from collections.abc import Callable

from services.maintainer.config import MaintainerSettings
from shared.contracts.entity_quality import EntityQuality
from shared.lake.entity_quality.heads import NoEntities, heads
from shared.lake.entity_quality.sources import INDEX
from shared.lake.maintenance.compaction import Status
from shared.lake.maintenance.job_result import JobResult
from shared.lake.reader import LakeReader

CHECKED = INDEX
"""The table that the job is of."""


def check(settings: MaintainerSettings, stop: Callable[[], bool]) -> JobResult:
    """Check the index against the staged records of every source.

    Raises:
        Unavailable: catalog or object store do not answer.
        Refused, ConfigurationError: a table cannot be read here.
    """
    lake = LakeReader(settings)
    try:
        heads(lake)
        # DuckDB's 30 MB are loaded once there is something to ask.
        from shared.lake.entity_quality.report import Stopped, check_entities

        try:
            report = check_entities(lake, threads=settings.maintainer_threads, stop=stop)
        except Stopped:
            return JobResult(Status.SKIPPED, interrupted=True)
    except NoEntities as error:
        return JobResult(Status.SKIPPED, error.what)
    told = report.told()
    return JobResult(Status.SUCCESS, in_words(told), quality=told)


def in_words(found: EntityQuality) -> str:
    """Verdict, what it is of, and what could not be checked yet."""
    bad = [
        f"{each.name} is {each.value:g}, to be held to {each.threshold:g}"
        for each in found.metrics
        if each.status != "info" and each.threshold is not None
    ]
    missing = [each.source for each in found.source_stats if not each.staged]
    return "; ".join(
        [
            found.status + (f": {', '.join(bad)}" if bad else ""),
            *([f"not staged yet: {', '.join(missing)}"] if missing else []),
        ]
    )
