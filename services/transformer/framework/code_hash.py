"""Which code a table was built with: a hash over the source that its rows can depend on.

The closure is the module of the declared function and what that imports inside
``services.transformer`` and ``shared.tables``, followed from module to module. Its sources enter as
syntax trees without positions, comments and docstrings, so that a reformatted file is the same code
and two machines agree, whatever their Python. The framework, the vocabulary of tables and the
libraries are left out: an upgrade of theirs that changes results is said by ``version``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from services.transformer.framework.transform import Fold, Transform

FOLLOWED = ("services.transformer", "shared.tables")
"""Packages whose modules belong to a closure."""

LEFT_OUT = (
    "services.transformer.framework",
    "shared.tables.spec",
    "shared.tables.registry",
    "shared.tables.lineage",
)
"""What of them computes no row."""


def transform_id(transform: Transform) -> str:
    """What a snapshot records as ``bergline.transform``: version, code hash and context."""
    function = transform.stage if isinstance(transform, Fold) else transform.build
    code = f"{transform.version}:{closure_hash(function.__module__)}"
    return code if transform.context is None else f"{code}:{transform.context()}"


@cache
def closure_hash(module: str) -> str:
    """The hash of a module's source closure, 16 hex digits."""
    digest = sha256()
    for name in sorted(closure(module)):
        digest.update(f"{name}\n{normalized(_source(name))}\n".encode())
    return digest.hexdigest()[:16]


def closure(module: str) -> frozenset[str]:
    """Names of the module and of all that it imports inside :data:`FOLLOWED`."""
    seen, waiting = {module}, [module]
    while waiting:
        for name in _imports(waiting.pop()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return frozenset(seen)


def normalized(source: str) -> str:
    """The syntax tree as text, without positions, comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = [line for line in node.body if not _is_text(line)]
            node.body = body or [ast.Pass()]
    return _text(tree)


def _text(node: object) -> str:
    """Like ``ast.dump``, without what is empty: newer Pythons know more fields."""
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        filled = (f"{name}={_text(value)}" for name, value in fields if value not in (None, []))
        return f"{type(node).__name__}({','.join(filled)})"
    if isinstance(node, list):
        return f"[{','.join(map(_text, node))}]"
    return repr(node)


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [node.module, *(name for name in below if _followed(name) and _exists(name))]
        else:
            continue
        yield from (name for name in names if _followed(name))


def _followed(name: str) -> bool:
    return _inside(name, FOLLOWED) and not _inside(name, LEFT_OUT)


def _inside(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what stands before the last dot is a module, no package
        return False


def _source(module: str) -> str:
    file = _loaded(module).__file__
    if file is None:
        return ""
    return Path(file).read_text(encoding="utf-8")


def _loaded(module: str) -> ModuleType:
    return sys.modules.get(module) or import_module(module)
