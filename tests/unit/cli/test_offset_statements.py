"""What an operator states with ``offsets adopt --from``."""

import pytest

from shared.cli.offset_statements import require_held, statements
from shared.runtime.errors import ConfigurationError, NotFound, Refused
from shared.runtime.log_bounds import LogBounds


@pytest.mark.parametrize(
    ("start", "partition", "expected"),
    [
        (["12"], 1, {1: 12}),
        (["0=12"], None, {0: 12}),
        (["0=12", "1=7", "2=0"], None, {0: 12, 1: 7, 2: 0}),
    ],
)
def test_forms(start: list[str], partition: int | None, expected: dict[int, int]) -> None:
    assert statements(start, partition) == expected


@pytest.mark.parametrize(
    ("start", "partition"),
    [
        (["12"], None),
        (["0=12"], 0),
        (["0=-1"], None),
        (["=12"], None),
        (["a=12"], None),
        (["0=1", "0=2"], None),
        (["1", "2"], 0),
    ],
)
def test_anything_else_is_wrong_usage(start: list[str], partition: int | None) -> None:
    with pytest.raises(ConfigurationError):
        statements(start, partition)


@pytest.mark.parametrize("at", [5, 7, 9])
def test_an_offset_within_the_log_or_at_its_end_may_be_stated(at: int) -> None:
    require_held({("t", 0): at}, {("t", 0): LogBounds(5, 9)})


@pytest.mark.parametrize("at", [4, 10])
def test_an_offset_where_the_table_would_stop_again_is_refused(at: int) -> None:
    with pytest.raises(Refused, match=r"holds offsets \[5, 9\)"):
        require_held({("t", 0): at}, {("t", 0): LogBounds(5, 9)})


def test_a_partition_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        require_held({("t", 3): 0}, {("t", 0): LogBounds(0, 1)})
