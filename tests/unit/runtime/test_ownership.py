"""A target is built where its requests arrive."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ownership import owned, partition_of
from shared.tables.registry import derived_tables

TARGETS = [spec.name for spec in derived_tables()]
COUNTS = st.integers(1, 64)


@given(st.text(min_size=1), COUNTS)
def test_a_request_is_published_to_the_partition_that_says_who_owns_its_target(
    target: str, count: int
) -> None:
    partitions = list(range(count))
    published = DefaultPartitioner()(target.encode(), partitions, partitions)
    assert partition_of(target, count) == published


@given(COUNTS, st.integers(1, 5))
def test_every_target_has_exactly_one_owner(count: int, workers: int) -> None:
    shares = [range(count)[worker::workers] for worker in range(workers)]
    found = sorted(target for share in shares for target in owned(TARGETS, share, count))
    assert found == sorted(TARGETS)
