"""Every source by its name: the platform's own, found in this package, then the project's.

They are read once, when this module is imported; a wrong one is a
:class:`~shared.contracts.errors.ConfigurationError` that tells file and line, and nothing starts.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from shared.contracts.topics import PLATFORM_TOPICS
from shared.sources import project
from shared.sources.consistency import wrong_alone, wrong_together
from shared.sources.spec import SourceSpec

_HERE = Path(__file__).parent


def built_in() -> tuple[SourceSpec, ...]:
    """The sources that come with the platform.

    Raises:
        ConfigurationError: one is wrong.
    """
    found: list[tuple[Path, SourceSpec]] = []
    # A folder without a declaration is one that is still to come.
    for path in sorted(_HERE.glob(f"*/{project.DECLARATION}")):
        source = importlib.import_module(f"shared.sources.{path.parent.name}.source").SOURCE
        found.append((path, source))
    return checked(found)


def of_project(directory: Path, others: Sequence[SourceSpec]) -> tuple[SourceSpec, ...]:
    """The sources of a project's directory.

    Args:
        directory: of the project; without ``sources`` in it there are none.
        others: what is there already; names must not clash.

    Raises:
        ConfigurationError: one is wrong; none is loaded then.
    """
    found = [(path, project.load(path, directory)) for path in project.declarations(directory)]
    return checked(found, others)


def checked(
    found: Iterable[tuple[Path, SourceSpec]], others: Sequence[SourceSpec] = ()
) -> tuple[SourceSpec, ...]:
    """The sources found, none of them wrong in itself or beside the others.

    Raises:
        ConfigurationError: the first thing wrong, with file and line.
    """
    known = list(others)
    new = []
    for path, source in found:
        for wrong in wrong_alone(source):
            raise project.refused(path, wrong)
        known.append(source)
        for wrong in wrong_together(known, PLATFORM_TOPICS):
            raise project.refused(path, wrong)
        new.append(source)
    return tuple(new)


def _all() -> Mapping[str, SourceSpec]:
    sources = built_in()
    directory = project.project_dir()
    if directory is not None:
        sources += of_project(directory, sources)
    return MappingProxyType({source.name: source for source in sources})


SOURCES: Mapping[str, SourceSpec] = _all()
"""Every source by its name."""
