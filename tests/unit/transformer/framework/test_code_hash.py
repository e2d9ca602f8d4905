"""Which changes of code make another build, and which do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.transformer.framework.code_hash import closure, normalized, transform_id
from services.transformer.framework.registry import TRANSFORMS
from tests.unit.transformer.framework import toys

SOURCE = '''
"""A table."""

RATE = 2

def build(rows: list[int]) -> int:
    """Sum."""
    return sum(rows) * RATE
'''


@pytest.mark.parametrize(
    "written",
    [
        SOURCE.replace("sum(rows) * RATE", "(\n        sum( rows )\n        * RATE  # why\n    )"),
        SOURCE.replace("Sum.", "The sum of all rows."),
        SOURCE.replace('"""A table."""\n', ""),
    ],
    ids=["layout", "docstring", "no docstring"],
)
def test_layout_comments_and_docstrings_are_no_code(written: str) -> None:
    assert written != SOURCE
    assert normalized(written) == normalized(SOURCE)


@pytest.mark.parametrize(
    "written",
    [
        SOURCE.replace("* RATE", "+ RATE"),
        SOURCE.replace("RATE = 2", "RATE = 3"),
        SOURCE.replace("RATE = 2", "RATE = '2'"),
        SOURCE.replace("sum(rows)", "sum(rows, 1)"),
    ],
)
def test_whatever_computes_is_code(written: str) -> None:
    assert written != SOURCE
    assert normalized(written) != normalized(SOURCE)


def test_what_a_function_imports_belongs_to_its_code() -> None:
    stage = TRANSFORMS["staging.stg_shopify_orders"]
    found = closure("services.transformer.transforms.stg_shopify_orders")
    assert stage.target.name == "staging.stg_shopify_orders"
    assert "services.transformer.rules.versions" in found, "imported by the module"
    assert "shared.tables.staging.shopify_orders" in found, "the table that it makes"
    assert not any(name.startswith("services.transformer.framework") for name in found)
    assert not any(name.startswith(("polars", "shared.lake", "shared.runtime")) for name in found)


def test_a_build_is_identified_by_version_code_and_context() -> None:
    fold = toys.ITEM_FOLD
    version, code = transform_id(fold).split(":")
    assert version == "1"
    assert len(code) == 16
    assert transform_id(replace(fold, version=2)) == f"2:{code}"
    assert transform_id(replace(fold, context=lambda: "key-a")) == f"1:{code}:key-a"


def test_two_tables_of_one_module_share_their_code() -> None:
    assert transform_id(toys.ITEM_FOLD) == transform_id(toys.TOTAL_GROUP)
