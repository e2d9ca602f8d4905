"""How a derived table is declared: one pure function, what it reads, how a change finds its way.

A module of ``services/transformer/transforms`` defines one function on polars frames and one
constant ``TRANSFORM``. The function knows no table, no clock and no snapshot, and it is the only
code that computes the table: an incremental build gives it few rows, a full build all of them.
That both end in the same table is what the declaration promises, and what
``tests/properties/test_laws.py`` holds it to.

Frames have the columns that the input declares, in that order, with the types that
:mod:`services.transformer.framework.frames` names. The order of rows means nothing. Null is a value
like any other, in keys and in groups, too; who wants rows without it excluded says so in ``where``.
"""

from services.transformer.framework.transform.declared import derivation
from services.transformer.framework.transform.fold import Fold, Stage
from services.transformer.framework.transform.group import Build, Closure, Group
from services.transformer.framework.transform.inputs import Context, Frames, Input
from services.transformer.framework.transform.route import Bounds, Route
from services.transformer.framework.transform.transform import Transform, check

__all__ = [
    "Bounds",
    "Build",
    "Closure",
    "Context",
    "Fold",
    "Frames",
    "Group",
    "Input",
    "Route",
    "Stage",
    "Transform",
    "check",
    "derivation",
]
