"""Builds of derived tables, one at a time, in one process: plan, compute, commit, tidy up.

A table is built *live*, on ``main``, from what changed. What can only be computed from everything
is built *aside*, on the branch ``rebuild``, catches up there incrementally, and becomes ``main`` in
one asserted update; until then readers keep what they have. Only a table without a snapshot is
computed from everything on ``main`` right away, because it has no readers to disturb.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import structlog

from services.transformer.building.aside import publish, rebuild
from services.transformer.building.live import live
from services.transformer.building.scratch import Scratch
from services.transformer.building.steps import Steps
from services.transformer.building.tables import Tables
from services.transformer.config import TransformerSettings
from services.transformer.framework.registry import TRANSFORMS
from services.transformer.framework.transform import Transform
from services.transformer.request import BuildReport, BuildRequest, Stage
from shared.lake.commit import Stale
from shared.lake.reader import reachable
from shared.lake.returned_memory import give_back
from shared.runtime.errors import NotFound, Refused, Unavailable

ATTEMPTS = 5
"""How often a build is planned again because its table moved on meanwhile."""

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
        self._scratch = Scratch(settings.scratch_dir)
        self._scratch.sweep()
        self._steps = Steps(settings, self._tables, self._scratch)

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
                return live(self._steps, transform, request)
            case Stage.REBUILD:
                return rebuild(self._steps, transform, request)
            case Stage.PUBLISH:
                return publish(self._steps, transform, request)

    def _transform(self, target: str) -> Transform:
        if target not in self._transforms:
            raise NotFound(
                f"nothing builds {target}", f"targets are: {', '.join(sorted(self._transforms))}"
            )
        return self._transforms[target]


@lru_cache(maxsize=4)
def _builder(settings: TransformerSettings) -> Builder:
    return Builder(settings)


def build(settings: TransformerSettings, target: str, request: BuildRequest) -> BuildReport:
    """:meth:`Builder.build` with the builder that this process keeps for these settings."""
    return _builder(settings).build(target, request)
