"""What is built from what, read off the declarations."""

from graphlib import CycleError

import pytest

from shared.tables import lineage
from shared.tables.registry import TABLES
from tests.support.derived_specs import derived, family

FAMILY = family()


def test_a_table_comes_behind_everything_that_it_reads() -> None:
    order = lineage.in_order(FAMILY)
    assert set(order) == set(FAMILY)
    for name in order:
        assert all(order.index(each) < order.index(name) for each in lineage.reads(FAMILY[name]))


def test_ancestors_and_descendants_are_followed_to_the_ends() -> None:
    assert lineage.upstream("analytics.summary", FAMILY) == {
        *("core.orders", "staging.orders", "staging.customers", "raw.orders", "raw.customers")
    }
    assert lineage.downstream("staging.customers", FAMILY) == {
        *("core.orders", "analytics.summary", "metadata.partials", "marts.daily")
    }
    assert lineage.upstream("raw.orders", FAMILY) == frozenset()
    assert lineage.downstream("marts.daily", FAMILY) == frozenset()


@pytest.mark.parametrize("name", FAMILY)
def test_one_is_upstream_of_what_is_downstream_of_it(name: str) -> None:
    for other in lineage.downstream(name, FAMILY):
        assert name in lineage.upstream(other, FAMILY)
    assert name not in lineage.downstream(name, FAMILY)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("core.orders", ["core.orders"]),
        ("marts", ["marts.daily"]),
        ("metadata", ["metadata.partials"]),
    ],
)
def test_a_table_or_a_layer_is_selected(target: str, names: list[str]) -> None:
    assert [spec.name for spec in lineage.selected(target, FAMILY)] == names


def test_all_are_the_derived_ones_in_build_order() -> None:
    names = [spec.name for spec in lineage.selected("all", FAMILY)]
    assert names == [name for name in lineage.in_order(FAMILY) if FAMILY[name].derived]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("raw.orders", "a landing table"),
        ("raw", "layers are"),
        ("core.ordres", "layers are"),
        ("", "layers are"),
    ],
)
def test_what_nothing_builds_is_not_selected(target: str, why: str) -> None:
    with pytest.raises(LookupError, match=why):
        lineage.selected(target, FAMILY)


def test_tables_that_read_one_another_are_an_error() -> None:
    circle = {each.name: each for each in (derived("a.x", ["a.y"]), derived("a.y", ["a.x"]))}
    with pytest.raises(CycleError):
        lineage.in_order(circle)


def test_the_declared_tables_have_an_order() -> None:
    assert set(lineage.in_order(TABLES)) == set(TABLES)
    for spec in TABLES.values():
        assert set(lineage.reads(spec)) <= set(TABLES), spec.name
