"""Rules are read from YAML; what is wrong is told with its place, all of it at once.

``rules/*.good.yaml`` are read without a problem. ``rules/*.bad.yaml`` end with the problems that
they have, a comment each: ``# 3:5: …``. To add a case, add a file.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.alerting.expression import Absent, All, Comparison, Either, Match, Ratio, Selector
from shared.alerting.marked import MOST_CHARACTERS
from shared.alerting.reading import BUILT_IN, RulesInvalid, built_in, of_project, read
from shared.alerting.rule import Place, Rule
from shared.alerting.selecting import Signals
from shared.runtime.metrics import SIGNALS
from tests.unit.alerting.known_signals import KNOWN

CASES = Path(__file__).parent / "rules"
EXPECTED = re.compile(r"^# (\d+:\d+: .+)$", re.MULTILINE)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.good.yaml")), ids=lambda path: path.name)
def test_a_good_file_is_read(path: Path) -> None:
    assert read({path.name: path.read_text()}, known=KNOWN)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.bad.yaml")), ids=lambda path: path.name)
def test_everything_wrong_is_told_with_its_place(path: Path) -> None:
    text = path.read_text()
    expected = EXPECTED.findall(text)
    with pytest.raises(RulesInvalid) as raised:
        read({"f.yaml": text}, known=KNOWN)
    assert [str(each).removeprefix("f.yaml:") for each in raised.value.problems] == expected


def test_a_character_that_yaml_does_not_have_is_told_with_its_place() -> None:
    with pytest.raises(RulesInvalid) as raised:
        read({"f.yaml": 'groups:\n  - name: "x\x00"\n'}, known=KNOWN)
    (problem,) = raised.value.problems
    assert str(problem) == "f.yaml:2:13: not YAML: a character 0x00; leave it out"


def one(when: str, *, known: Signals = KNOWN, time_scale: float = 1.0, more: str = "") -> Rule:
    text = f"""
groups:
  - name: g
    interval: 10s
    rules:
      - alert: A
        when: {when}
        severity: warning
        team: t
        summary: s
{more}"""
    (rule,) = read({"f.yaml": text}, known=known, time_scale=time_scale).values()
    return rule


def test_a_rule_has_what_was_written() -> None:
    more = """
        for: 1h30m
        keep_firing_for: 90s
        description: >-
          {value} of
          {table}
        runbook: alerts#here
        labels: {kind: slow}
"""
    assert one("{signal: files, above: 100}", more=more) == Rule(
        name="A",
        group="g",
        interval_s=10,
        condition=Comparison(Selector("files"), ">", 100),
        for_s=5400,
        keep_firing_for_s=90,
        severity="warning",
        team="t",
        summary="s",
        description="{value} of {table}",
        runbook="alerts#here",
        place=Place("f.yaml", 6, 9),
        labels={"kind": "slow"},
    )


@pytest.mark.parametrize(
    ("written", "op"),
    [
        ("above", ">"),
        ("at_least", ">="),
        ("below", "<"),
        ("at_most", "<="),
        ("equals", "=="),
        ("differs", "!="),
    ],
)
def test_words_of_comparison(written: str, op: str) -> None:
    condition = one(f"{{signal: files, {written}: -1.5}}").condition
    assert condition == Comparison(Selector("files"), op, -1.5)  # type: ignore[arg-type]


def test_what_is_selected() -> None:
    when = (
        "{signal: seen_total, where: {topic: a, table: '!=b'}, over: 10m, function: increase,"
        " sum: {by: [topic]}, times: 2, above: 1}"
    )
    matches = (Match("topic", "=", "a"), Match("table", "!=", "b"))
    assert one(when).condition == Comparison(
        Selector("seen_total", matches, 600, "increase", "sum", ("topic",), 2), ">", 1
    )


def test_regular_expressions_and_absent_labels() -> None:
    when = "{signal: files, where: {layer: '=~a|b', table: '!~x.*'}, above: 1}"
    matches = (Match("layer", "=~", "a|b"), Match("table", "!~", "x.*"))
    assert one(when).condition == Comparison(Selector("files", matches), ">", 1)
    empty = "{signal: files, where: {layer: ''}, above: 1}"
    assert one(empty).condition == Comparison(Selector("files", (Match("layer", "=", ""),)), ">", 1)


def test_another_signal_as_threshold() -> None:
    when = "{signal: files, above: {signal: silence, times: 1.5}, on: [table]}"
    right = Selector("silence", times=1.5)
    assert one(when).condition == Comparison(Selector("files"), ">", right, ("table",))


def test_a_quotient() -> None:
    when = "{signal: files, divided_by: {signal: limit}, above: 0.5}"
    ratio = Ratio(Selector("files"), Selector("limit"))
    assert one(when).condition == Comparison(ratio, ">", 0.5)


def test_conditions_in_conditions() -> None:
    files, limit = "{signal: files, above: 1}", "{signal: limit, below: 2}"
    one_of = one(f"{{any: [{files}, {{all: [{files}, {limit}], on: [table]}}]}}").condition
    above, below = Comparison(Selector("files"), ">", 1), Comparison(Selector("limit"), "<", 2)
    assert one_of == Either((above, All((above, below), ("table",))))


def test_nothing_there() -> None:
    when = "{absent: {signal: files, where: {layer: raw}}}"
    assert one(when).condition == Absent(Selector("files", (Match("layer", "=", "raw"),)))


def test_all_times_are_scaled_and_no_number() -> None:
    over = "{signal: silence, over: 1h, function: max, above: 10m}"
    more = "        for: 1m\n        keep_firing_for: 2m\n"
    rule = one(over, time_scale=0.01, more=more)
    assert rule.condition == Comparison(
        Selector("silence", (), 36, "max"), ">", 6, None, duration=True
    )
    assert (rule.interval_s, rule.for_s, rule.keep_firing_for_s) == (0.1, 0.6, 1.2)
    plain = one("{signal: silence, above: 600}", time_scale=0.01).condition
    assert plain == Comparison(Selector("silence"), ">", 600)


def rules(*names: str) -> str:
    each = "\n".join(
        f"      - {{alert: {name}, when: {{signal: files, above: 1}}, severity: info, team: t, "
        f"summary: s}}"
        for name in names
    )
    return f"groups:\n  - name: g\n    rules:\n{each}\n"


def test_a_rule_of_a_project_replaces_a_built_in_one() -> None:
    files = {f"{BUILT_IN}a.yaml": rules("A", "B"), "rules/b.yaml": rules("B", "C")}
    found = read(files, known=KNOWN)
    assert {name: rule.place.file for name, rule in found.items()} == {
        "A": f"{BUILT_IN}a.yaml",
        "B": "rules/b.yaml",
        "C": "rules/b.yaml",
    }


def test_a_file_without_anything_has_no_rules() -> None:
    assert read({"rules/a.yaml": "# all of it commented out\n"}, known=KNOWN) == {}


def test_two_rules_of_one_name_are_a_problem() -> None:
    with pytest.raises(RulesInvalid, match=r'b.yaml:4:9: group "g", rule "A": .* a.yaml:4:9; use'):
        read({"a.yaml": rules("A"), "b.yaml": rules("A")}, known=KNOWN)


def test_rules_of_a_project_are_read_from_its_directory(tmp_path: Path) -> None:
    assert of_project(tmp_path) == {}
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "b.yaml").write_text("b")
    (tmp_path / "rules" / "a.yaml").write_text("ä", encoding="utf-8")
    (tmp_path / "rules" / "notes.txt").write_text("c")
    assert of_project(tmp_path) == {"rules/a.yaml": "ä", "rules/b.yaml": "b"}


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_bytes(b"groups:\n\xff")
    with pytest.raises(RulesInvalid, match=r"rules/a.yaml:2:1: no UTF-8 text; save it as UTF-8"):
        of_project(tmp_path)


@pytest.mark.parametrize("character", ["x", "ä", "😀"])
def test_a_file_beyond_reason_is_read_in_part_and_refused(tmp_path: Path, character: str) -> None:
    (tmp_path / "rules").mkdir()
    path = tmp_path / "rules" / "a.yaml"
    path.write_text("x" + character * (5 * MOST_CHARACTERS), encoding="utf-8")
    with pytest.raises(RulesInvalid, match=r"rules/a.yaml:1:1: more than 256 kB; split"):
        read(of_project(tmp_path), known=KNOWN)


def test_the_built_in_rules_are_read_with_the_signals_of_the_catalogue() -> None:
    files = built_in()
    assert all(name.startswith(BUILT_IN) for name in files)
    assert len(read(files, known=SIGNALS)) == 26
