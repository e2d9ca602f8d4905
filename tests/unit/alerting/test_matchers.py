"""Matchers: what operators write is what is meant, and what is written down is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerting.matchers import matches, parse, parse_lines, written
from shared.contracts.alerts import Matcher
from shared.contracts.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "label", "op", "value"),
    [
        ("severity=critical", "severity", "=", "critical"),
        ('table=~"raw\\\\..*"', "table", "=~", "raw\\..*"),
        ("table =~ raw[.].*", "table", "=~", "raw[.].*"),
        ("team != platform ", "team", "!=", "platform"),
        ("team!~a|b", "team", "!~", "a|b"),
        ('reason="he said \\"no\\"=="', "reason", "=", 'he said "no"=='),
        ("topic=", "topic", "=", ""),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, label: str, op: str, value: str) -> None:
    found = parse(text)
    assert (found.label, found.op, found.value) == (label, op, value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "no matcher"),
        ("PipelineStale", "no matcher"),
        ("1a=b", "no matcher"),
        ('a="b', "second quote"),
        ('a="b" and more', "second quote"),
        ("a=~(", "unterminated subpattern"),
        ("a=~x{99999999999}", "repetition number"),
        ("a=~" + "(" * 400 + ")" * 400, "recursion"),
        ("a=~" + "x" * 1001, "1001 characters"),
        ("a=~(x+)+y", "several ways"),
        ("a=~(x|xx)*y", "several ways"),
        ("a!~(?:(?:x?){20})y", "several ways"),
    ],
)
def test_what_is_none_is_refused_with_the_reason(text: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=part):
        parse(text)


@given(
    label=st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    op=st.sampled_from(["=", "!="]),
    value=st.text(max_size=20),
)
def test_what_is_written_down_is_read_again(label: str, op: str, value: str) -> None:
    matcher = Matcher(label=label, op=op, value=value)
    assert parse(written(matcher)) == matcher
    assert parse_lines(f"{written(matcher)}\n\n{written(matcher)}\n") == (matcher, matcher)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("table=raw.a", True),
        ("table=raw", False),
        ("table=~raw", False),
        ("table=~raw.*", True),
        ("table!~raw", True),
        ("table!=raw.a", False),
        ("nobody=", True),
        ("nobody!=", False),
        ("nobody=~.*", True),
    ],
)
def test_expressions_match_the_whole_value_and_an_absent_label_is_empty(
    text: str, holds: bool
) -> None:
    assert matches([parse(text)], {"table": "raw.a"}) is holds


def test_all_of_them_must_hold() -> None:
    labels = {"a": "1", "b": "2"}
    assert matches([parse("a=1"), parse("b=2")], labels)
    assert not matches([parse("a=1"), parse("b=3")], labels)


@pytest.mark.parametrize(
    "text", ["a=~(raw|derived)[.].*", "a=~[a-z]+(-[0-9]{2})*", "a=~.*x.*", "a=~(ab){3}c?"]
)
def test_expressions_that_end_soon_are_taken(text: str) -> None:
    assert parse(text).op == "=~"


@pytest.mark.parametrize("op", ["=~", "!~"])
def test_what_somebody_wrote_and_is_no_expression_holds_for_nothing(op: str) -> None:
    assert not matches([Matcher.model_validate({"label": "a", "op": op, "value": "("})], {"a": "("})
