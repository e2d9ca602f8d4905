"""An installation's own sources: ``sources/<name>/source.py`` below its project's directory.

They are loaded like the ones that come with the platform, by a checkout or an installed wheel, as
modules ``bergline_project.sources.<name>.source``: a source may have further modules beside it and
import them (``from .tables import …``). A source is there whole or not at all, and a project with a
wrong one is not loaded at all: a process that knew half of the sources would refuse what the other
half's vendors send.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from shared.contracts.errors import ConfigurationError
from shared.sources.consistency import NAME, Wrong
from shared.sources.spec import SourceSpec

PROJECT_VARIABLE = "BERGLINE_PROJECT"
DEFAULT_PROJECT = Path("bergline_project")
PACKAGE = "bergline_project"
DECLARATION = "source.py"
CHECK = "then run `bergline check`"


def project_dir() -> Path | None:
    """The project's directory: ``BERGLINE_PROJECT``, or ``./bergline_project``.

    ``None`` when the variable is set and empty: no project at all.
    """
    named = os.environ.get(PROJECT_VARIABLE)
    if named is None:
        return DEFAULT_PROJECT.absolute()
    return Path(named).absolute() if named else None


def declarations(project: Path) -> list[Path]:
    """``source.py`` of every source of a project, by name.

    Raises:
        ConfigurationError: a directory among the sources has none, or cannot be a module.
    """
    sources = project / "sources"
    if not sources.is_dir():
        return []
    found = []
    for directory in sorted(sources.iterdir()):
        if not directory.is_dir() or directory.name.startswith((".", "__")):
            continue
        if not NAME.fullmatch(directory.name):
            raise ConfigurationError(
                f"{directory}: {directory.name!r} cannot be a source's name",
                "rename the directory: lower-case letters, digits and single underscores, a "
                "letter first",
            )
        if not (directory / DECLARATION).is_file():
            raise ConfigurationError(
                f"{directory}: there is no {DECLARATION} in it",
                f"write one (`bergline new source {directory.name}` shows how), or move the "
                "directory away",
            )
        found.append(directory / DECLARATION)
    return found


def load(path: Path, project: Path) -> SourceSpec:
    """The declaration in a ``source.py``.

    Raises:
        ConfigurationError: it cannot be imported, or declares no source, or one of another name
            than its directory's; the message tells file and line.
    """
    name = path.parent.name
    parent = _package(project)
    module_name = f"{PACKAGE}.sources.{name}.source"
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        _forget(f"{PACKAGE}.sources.{name}")
        raise ConfigurationError(
            f"{_where(error, path)}: {type(error).__name__}: {_said(error)}",
            f"source {name} was not loaded, and so nothing was started: correct it, {CHECK}",
        ) from error
    finally:
        sys.modules[PACKAGE] = parent
    source = getattr(module, "SOURCE", None)
    if not isinstance(source, SourceSpec):
        what = "there is no SOURCE" if source is None else f"SOURCE is a {type(source).__name__}"
        raise ConfigurationError(
            f"{path}:{line_of(path, 'SOURCE')}: {what}",
            f"set SOURCE to a shared.sources.spec.SourceSpec, {CHECK}",
        )
    if source.name != name:
        raise refused(
            path,
            Wrong(
                source.name,
                f"the source is named {source.name!r}, its directory {name!r}",
                "give both the same name",
            ),
        )
    return source


def refused(path: Path, wrong: Wrong) -> ConfigurationError:
    """The error that tells what is wrong in a declaration, with its line."""
    return ConfigurationError(
        f"{path}:{line_of(path, wrong.about)}: {wrong.what}", f"{wrong.next_step}, {CHECK}"
    )


def line_of(path: Path, about: str) -> int:
    """The line of a declaration that holds a text, or else where ``SOURCE`` is set, or 1.

    Looked for where things are declared: outside of functions and documentation.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError):
        return 1
    declared = 1
    for node in _declaring(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if about in (node.value, *node.value.split()):
                return node.lineno
        elif isinstance(node, ast.keyword) and node.arg == about:
            return node.lineno
        elif isinstance(node, ast.Name) and node.id == "SOURCE":
            declared = node.lineno
    return declared


def _declaring(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module in their order, without functions, imports and documentation."""
    for node in ast.iter_child_nodes(tree):
        documents = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if documents or isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom
        ):
            continue
        yield node
        yield from _declaring(node)


def _package(project: Path) -> ModuleType:
    """The package whose modules lie in the project's directory, wherever that is."""
    package = sys.modules.get(PACKAGE)
    if package is None or [str(project)] != list(getattr(package, "__path__", ())):
        _forget(PACKAGE)
        package = ModuleType(PACKAGE, "The project's own modules.")
        package.__path__ = [str(project)]
        sys.modules[PACKAGE] = package
        importlib.invalidate_caches()
    return package


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


def _where(error: Exception, path: Path) -> str:
    """File and line of the innermost of the project's own lines that led to an error."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(path.parent.parent)
    ]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else f"{path}:1"


def _said(error: Exception) -> str:
    """The error's own words, on one line."""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return " ".join(text.split())
