"""What a condition compares: every series beside its bound, whether or not it holds."""

from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.compared import parts
from shared.alerting.evaluate import evaluate
from shared.alerting.expression import Absent, All, Comparison, Ratio, Selector
from shared.alerting.series import labels
from shared.alerting.store import SeriesStore

A, B = labels(table="a"), labels(table="b")


def store(**vectors: dict[str, float]) -> SeriesStore:
    made = SeriesStore()
    found = {
        name: {labels(table=table): value for table, value in series.items()}
        for name, series in vectors.items()
    }
    made.take(tuple(found), found, 0.0)
    return made


def test_the_closest_series_come_first_behind_those_that_hold() -> None:
    asked = Comparison(Selector("files"), ">", 100)
    [part] = parts(asked, store(files={"a": 3, "b": 250, "c": 99}), 0.0)
    assert [(dict(each.labels)["table"], each.holds) for each in part.series] == [
        ("b", True),
        ("c", False),
        ("a", False),
    ]
    assert {each.bound for each in part.series} == {100}


def test_a_bound_of_each_series_is_that_of_its_own_labels() -> None:
    asked = Comparison(Selector("snapshots"), ">", Selector("limit", times=2))
    [part] = parts(asked, store(snapshots={"a": 9, "b": 9}, limit={"a": 4}), 0.0)
    assert [(each.labels, each.bound, each.holds) for each in part.series] == [
        (A, 8, True),
        (B, None, False),
    ]


def test_a_quotient_is_shown_as_it_is_compared() -> None:
    asked = Comparison(Ratio(Selector("bad"), Selector("all")), ">", 0.5)
    [part] = parts(asked, store(bad={"a": 1, "b": 1}, all={"a": 4, "b": 0}), 0.0)
    assert [(each.labels, each.value) for each in part.series] == [(A, 0.25)]


def test_what_is_not_known_is_named_and_nothing_is_guessed() -> None:
    asked = All((Comparison(Selector("files"), ">", 1), Absent(Selector("alive"))))
    first, second = parts(asked, store(files={"a": 3}), 0.0)
    assert (first.unknown, len(first.series)) == ((), 1)
    assert (second.unknown, second.series) == (("alive",), ())


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(-3, 3)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(-3, 3)),
    st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
)
def test_exactly_those_hold_for_which_the_condition_holds(left, right, op) -> None:  # type: ignore[no-untyped-def]
    known = store(left=left, right=right)
    asked = Comparison(Selector("left"), op, Selector("right"))
    [part] = parts(asked, known, 0.0)
    assert {each.labels: each.value for each in part.series if each.holds} == evaluate(
        asked, known, 0.0
    )
    assert len(part.series) == len(left)
