"""Whatever stands in a file of rules: it is read, or what is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.alerting.promql import prometheus_rules
from shared.alerting.reading import RulesInvalid, read
from tests.unit.alerting.known_signals import KNOWN

CASES = sorted(Path(__file__).parent.joinpath("rules").glob("*.yaml"))
LINES = sorted({line for path in CASES for line in path.read_text().splitlines(keepends=True)})
ODD = ("{", "}", "[", "]", ": ", "- ", "? ", "&a ", "*a", "!!int ", "|\n", '"', "\t", "\x00", "é")


def taken_or_told(text: str) -> None:
    try:
        prometheus_rules(read({"f.yaml": text}, known=KNOWN))
    except RulesInvalid as invalid:
        lines = text.count("\n") + text.count("\r") + 2
        for problem in invalid.problems:
            assert 1 <= problem.line <= lines
            assert problem.column >= 1
            assert problem.what
            assert "\n" not in str(problem)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from((*LINES, *ODD)), max_size=25))
def test_any_lines(lines: list[str]) -> None:
    taken_or_told("".join(lines))


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(CASES), at=st.floats(0, 1), cut=st.integers(0, 9), odd=st.text())
def test_any_file_with_something_torn_out_and_put_in(
    path: Path, at: float, cut: int, odd: str
) -> None:
    text = path.read_text()
    place = int(at * len(text))
    taken_or_told(text[:place] + odd + text[place + cut :])


@pytest.mark.parametrize(
    "text",
    [
        '"\\UFFFFFFFF"',
        '"\\ud800"',
        "? [a]\n: b",
        "? {a: b}\n: c",
        "\ufffe",
        "[" * 20_000,
        "- " * 9999,
    ],
)
def test_what_breaks_parsers(text: str) -> None:
    with pytest.raises(RulesInvalid):
        read({"f.yaml": text}, known=KNOWN)
