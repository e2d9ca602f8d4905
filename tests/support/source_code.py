"""The product's own modules as syntax trees, for rules that must hold in every one of them."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("services", "shared", "deploy")


@dataclass(frozen=True)
class Module:
    """One module: its dotted name, its path from the root, its tree."""

    name: str
    path: str
    tree: ast.Module

    @cached_property
    def _nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    def nodes(self) -> Iterator[ast.AST]:
        """Every node of the tree; walking it takes long, and many rules do."""
        return iter(self._nodes)

    def inside(self, *packages: str) -> bool:
        """Whether the module is one of these packages or below one."""
        return any(self.name == name or self.name.startswith(f"{name}.") for name in packages)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of ``services``, ``shared`` and ``deploy``."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT)
            parts = relative.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(relative))
            found.append(Module(name, relative.as_posix(), tree))
    gc.freeze()  # millions of nodes, which stay: looking for garbage among them takes a second
    return tuple(found)


def imported(module: Module) -> Iterator[tuple[str, str, int]]:
    """Package, name (empty for the package itself) and line of each absolute import, wherever."""
    for node in module.nodes():
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, "", node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                yield node.module, alias.name, node.lineno


def texts(module: Module) -> Iterator[tuple[str, int]]:
    """String constants of a module with their lines, docstrings left out."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = {
        id(node.body[0].value)
        for node in module.nodes()
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in module.nodes():
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node.value, node.lineno


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Calls of methods and functions by their last name."""
    for node in module.nodes():
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node
