"""How the lineage is drawn."""

import pytest

from shared.cli.chosen import declared, targets
from shared.cli.lineage import as_json, as_mermaid, edges, selection
from shared.runtime.errors import ConfigurationError, NotFound
from tests.support.derived_specs import family

FAMILY = family()


def test_one_table_is_shown_with_both_directions_unless_one_is_chosen() -> None:
    name = "analytics.summary"
    up = {"raw.orders", "raw.customers", "staging.orders", "staging.customers", "core.orders", name}
    assert set(selection(name, FAMILY, up=True, down=False)) == up
    assert set(selection(name, FAMILY, up=False, down=True)) == {name, "marts.daily"}
    both = selection(name, FAMILY, up=False, down=False)
    assert set(both) == {*up, "marts.daily"}
    assert both == selection(name, FAMILY, up=True, down=True)
    assert both.index("core.orders") < both.index(name) < both.index("marts.daily")


def test_a_direction_needs_a_table_and_a_table_must_exist() -> None:
    with pytest.raises(ConfigurationError):
        selection(None, FAMILY, up=True, down=False)
    with pytest.raises(NotFound, match="tables are: analytics"):
        selection("core.ordres", FAMILY, up=False, down=False)
    with pytest.raises(NotFound):
        declared("core", FAMILY)
    with pytest.raises(NotFound, match="landing"):
        targets("raw.orders", FAMILY)


def test_every_input_is_an_edge_and_nothing_hidden_has_one() -> None:
    drawn = set(edges(selection("core.orders", FAMILY, up=True, down=False), FAMILY))
    assert ("shop.orders", "raw.orders") in drawn
    assert ("staging.customers", "core.orders") in drawn
    assert not any(target.startswith("analytics") for _, target in drawn)
    everything = set(edges(selection(None, FAMILY, up=False, down=False), FAMILY))
    assert len(everything) == 2 + sum(
        len(spec.derived.reads) for spec in FAMILY.values() if spec.derived
    )


def test_mermaid_names_every_table_once_in_its_layer_and_every_edge() -> None:
    shown = selection(None, FAMILY, up=False, down=False)
    lines = [line.strip() for line in as_mermaid(shown, FAMILY).splitlines()]
    assert lines[0] == "flowchart LR"
    assert lines.count('table_core_orders[("orders")]') == 1
    assert lines.index("subgraph core") < lines.index('table_core_orders[("orders")]')
    assert 'topic_shop_orders[["shop.orders"]]' in lines
    assert "table_staging_orders --> table_core_orders" in lines
    assert sum("-->" in line for line in lines) == len(list(edges(shown, FAMILY)))
    assert lines.count("end") == len({name.partition(".")[0] for name in FAMILY})


def test_json_tells_kind_key_and_neighbours() -> None:
    body = as_json(None, tuple(FAMILY), FAMILY)
    by_name = {each["table"]: each for each in body["tables"]}
    assert by_name["raw.orders"]["kind"] == "landing"
    assert by_name["raw.orders"]["read_by"] == ["staging.orders"]
    assert by_name["staging.orders"]["kind"] == "fold"
    assert by_name["marts.daily"]["ticked"]
    assert by_name["marts.daily"]["reads"] == ["analytics.summary", "metadata.partials"]
    assert {"from": "core.orders", "to": "analytics.summary"} in body["edges"]
