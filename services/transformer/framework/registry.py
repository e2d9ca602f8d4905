"""Every transform by the table that it builds, found in ``services/transformer/transforms``."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from services.transformer import transforms
from services.transformer.framework.transform import Fold, Group, Transform, check
from shared.tables.lineage import in_order
from shared.tables.registry import TABLES
from shared.tables.spec import TableSpec

CONSTANT = "TRANSFORM"
"""What a module of the transforms calls its declaration; modules without one hold shared rules."""


def collect(declared: Mapping[str, Transform], tables: Mapping[str, TableSpec]) -> None:
    """Hold all declarations against the tables.

    Raises:
        ValueError: a transform builds a table that is declared otherwise, or not at all, or reads
            what is not there.
        graphlib.CycleError: tables read one another.
    """
    for name, transform in declared.items():
        if tables.get(name) is not transform.target:
            raise ValueError(f"transform of {name}: the registered table is another one")
        check(transform, tables)
    in_order(tables)


def _found() -> dict[str, Transform]:
    found: dict[str, Transform] = {}
    for module in pkgutil.walk_packages(transforms.__path__, f"{transforms.__name__}."):
        transform = getattr(import_module(module.name), CONSTANT, None)
        if transform is None:
            continue
        if not isinstance(transform, Fold | Group):
            raise TypeError(f"{module.name}.{CONSTANT} is no transform")
        name = transform.target.name
        if name in found:
            raise ValueError(f"{module.name} builds {name}, which another module builds already")
        found[name] = transform
    collect(found, TABLES)
    return found


TRANSFORMS: Mapping[str, Transform] = MappingProxyType(_found())
"""Target → how it is built."""
