"""A partition balances when ledger and data files tell the same."""

import pytest

from shared.lake.balance import Counted, weigh
from shared.lake.position import Stretch
from shared.lake.positions import Positions

KEY = ("shopify.orders", 0)


def counted(rows: int, errors: int = 0, distinct: int | None = None) -> Counted:
    return Counted(rows, errors, rows if distinct is None else distinct)


@pytest.mark.parametrize(
    ("stretches", "rows"),
    [
        ((), counted(0)),
        ((Stretch(0, 10, rows=10),), counted(10)),
        ((Stretch(5, 15, rows=8, gaps=2, errors=1),), counted(8, errors=1)),
        ((Stretch(0, 10, rows=10), Stretch(20, 25, rows=5, reason="truncated")), counted(15)),
    ],
)
def test_balanced(stretches: tuple[Stretch, ...], rows: Counted) -> None:
    assert weigh(KEY, stretches, rows).findings == ()


def test_a_recreated_log_counts_from_zero_again() -> None:
    """Both incarnations have rows at offsets 0 to 4: repeated offsets are legal then."""
    stretches = (Stretch(0, 10, rows=10), Stretch(0, 5, rows=5, reason="topic was recreated"))
    assert weigh(KEY, stretches, counted(15, distinct=10)).balanced


@pytest.mark.parametrize(
    ("stretches", "rows", "finding"),
    [
        ((Stretch(0, 10, rows=9),), counted(9), "advanced 10 offsets, but states 9 rows + 0 gaps"),
        ((Stretch(0, 10, rows=10),), counted(9), "states 10 rows, the data files hold 9"),
        ((Stretch(0, 10, rows=10),), counted(11), "states 10 rows, the data files hold 11"),
        ((Stretch(0, 2, rows=2),), counted(2, errors=1), "states 0 errors, the data files hold 1"),
        ((Stretch(0, 10, rows=10),), counted(10, distinct=8), "2 rows repeat an offset"),
        ((), counted(3), "states 0 rows, the data files hold 3"),
    ],
)
def test_what_does_not_fit_is_said(
    stretches: tuple[Stretch, ...], rows: Counted, finding: str
) -> None:
    partition = weigh(KEY, stretches, rows)
    assert not partition.balanced
    assert any(finding in each for each in partition.findings)


def test_a_record_that_announces_a_file_is_no_row_and_what_the_file_brought_is_counted() -> None:
    positions = Positions().advance(
        "t", 0, start=0, end=3, rows=1, errors=3, tail=None, files=1, loaded=1000
    )
    [stretch] = positions.partitions["t", 0].stretches
    assert stretch == Stretch(0, 3, rows=1, gaps=1, errors=3, files=1, loaded=1000)
    assert weigh(("t", 0), (stretch,), Counted(1001, 3, 2, 0)).balanced
    assert weigh(("t", 0), (stretch,), Counted(1000, 3, 2, 0)).findings == (
        "the ledger states 1001 rows, the data files hold 1000",
    )
    assert Positions.from_summary(positions.to_summary()) == positions


def test_positions_of_a_topic_without_files_are_written_as_ever() -> None:
    positions = Positions().advance("t", 0, start=0, end=3, rows=2, errors=0, tail=None)
    assert positions.to_summary()["bergline.ledger"] == '{"t":{"0":[[0,3,2,1,0,""]]}}'
