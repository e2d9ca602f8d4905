"""How far tables are behind, and what they are built from, told by states alone."""

from datetime import UTC, datetime

from shared.lake.freshness import freshness, topics_of
from shared.lake.origin import origin
from shared.lake.provenance import Provenance, SourceCut
from shared.runtime.log_bounds import LogBounds
from tests.support.derived_specs import derived, family, landing
from tests.unit.lake.checking.test_origin import PROVENANCE, RAW, TARGET, TOPIC, UUID, landed, state

TABLES = {spec.name: spec for spec in (landing(RAW, TOPIC), derived(TARGET, [RAW]))}
SPEC = TABLES[TARGET]
LANDED = {(TOPIC, 0): 30, (TOPIC, 1): 4, ("another.topic", 0): 99}
LOGS = {(TOPIC, 0): LogBounds(0, 33), (TOPIC, 1): LogBounds(0, 4)}
BUILT = state(TARGET, PROVENANCE.to_summary())
"""Complete up to 20 of partition 0; partition 1 was not there when it was built."""


def test_what_is_behind_is_counted_in_offsets_per_partition() -> None:
    found = freshness(SPEC, BUILT, LANDED, LOGS, TABLES)
    assert [(each.partition, each.complete) for each in found.partitions] == [(0, 20), (1, 0)]
    assert [each.behind_landing for each in found.partitions] == [10, 4]
    assert [each.behind_log for each in found.partitions] == [13, 4]
    assert (found.behind_landing, found.behind_log) == (14, 17)
    assert found.built
    assert found.committed_at == datetime(2026, 1, 1, 0, 0, 0, 1000, UTC)


def test_without_the_broker_only_what_has_landed_is_compared() -> None:
    found = freshness(SPEC, BUILT, LANDED, {}, TABLES)
    assert (found.behind_landing, found.behind_log) == (14, None)


def test_a_landing_table_is_compared_with_its_log() -> None:
    found = freshness(TABLES[RAW], state(RAW, landed(30)), LANDED, LOGS, TABLES)
    by_partition = {each.partition: each for each in found.partitions}
    assert (by_partition[0].behind_landing, by_partition[0].behind_log) == (0, 3)


def test_a_table_that_was_never_built_lacks_everything_and_says_so() -> None:
    never = freshness(SPEC, state(TARGET), LANDED, LOGS, TABLES)
    assert (never.exists, never.built, never.behind_landing) == (True, False, 34)
    missing = freshness(SPEC, None, LANDED, LOGS, TABLES)
    assert (missing.exists, missing.behind_log) == (False, 37)


def test_topics_are_those_of_every_table_above() -> None:
    tables = family()
    assert topics_of(tables["marts.daily"], tables) == {"shop.orders", "shop.customers"}
    assert topics_of(tables["staging.orders"], tables) == {"shop.orders"}


def test_an_origin_tells_how_many_commits_each_input_is_ahead() -> None:
    known = origin(SPEC, BUILT, {RAW: state(RAW, landed(10), landed(20), landed(30))})
    [source] = known.sources
    assert (source.snapshot_id, source.head_id, source.behind) == (2, 3, 1)
    assert source.retained
    assert (known.transform, known.complete) == ("1:3f9a", {(TOPIC, 0): 20})


def test_a_cut_that_is_gone_or_of_another_table_is_not_retained() -> None:
    for cut in (SourceCut(UUID[RAW], 99, 2), SourceCut("another", 2, 2)):
        own = state(TARGET, Provenance({RAW: cut}, "1:3f9a").to_summary())
        [source] = origin(SPEC, own, {RAW: state(RAW, landed(10), landed(20))}).sources
        assert not source.retained


def test_inputs_of_a_table_never_built_are_shown_as_not_read() -> None:
    [source] = origin(SPEC, state(TARGET), {RAW: state(RAW, landed(10))}).sources
    assert (source.snapshot_id, source.head_id, source.behind) == (None, 1, None)
    assert origin(TABLES[RAW], state(RAW, landed(10)), {}).sources == ()
