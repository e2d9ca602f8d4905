"""One name keeps two installations on one broker and catalog apart."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.contracts.environment import Environment

NAMES = st.one_of(st.just(""), st.from_regex(r"[a-z][a-z0-9]{0,31}", fullmatch=True))
NAMED = st.from_regex(r"[a-z][a-z0-9]{0,31}", fullmatch=True)
DECLARED_TOPICS = st.from_regex(r"[a-z][a-z0-9]{0,10}\.[a-z][a-z0-9_-]{0,10}", fullmatch=True)
DECLARED_NAMESPACES = st.sampled_from(["raw", "staging", "metadata", "marts"])


@given(NAMES, DECLARED_TOPICS)
def test_logical_topic_is_the_inverse_of_topic(name: str, topic: str) -> None:
    environment = Environment(name)
    assert environment.logical_topic(environment.topic(topic)) == topic


@given(NAMED, NAMED, DECLARED_TOPICS, DECLARED_TOPICS)
def test_two_named_environments_never_share_a_topic_or_a_group(
    one: str, other: str, topic: str, other_topic: str
) -> None:
    assume(one != other)
    assert Environment(one).topic(topic) != Environment(other).topic(other_topic)
    assert Environment(one).group(topic) != Environment(other).group(other_topic)


@given(NAMED, NAMED, DECLARED_NAMESPACES, DECLARED_NAMESPACES)
def test_two_named_environments_never_share_a_namespace(
    one: str, other: str, namespace: str, other_namespace: str
) -> None:
    assume(one != other)
    assert Environment(one).namespace(namespace) != Environment(other).namespace(other_namespace)


@given(NAMED, DECLARED_TOPICS)
def test_a_named_environment_never_takes_a_declared_topic_of_the_unnamed_one(
    name: str, topic: str
) -> None:
    # Every declared topic has exactly one dot, so a prefixed one has two.
    assert Environment(name).topic(topic) != Environment("").topic(topic)
    assert Environment(name).topic(topic).count(".") == 2


@given(NAMED, NAMED, DECLARED_TOPICS)
def test_a_topic_of_another_environment_is_refused(name: str, other: str, topic: str) -> None:
    assume(name != other)
    with pytest.raises(ValueError, match=f"is not of environment '{name}'"):
        Environment(name).logical_topic(Environment(other).topic(topic))


@pytest.mark.parametrize(
    "name",
    ["Dev", "dev.a", "dev_a", "dev-a", "1dev", " dev", "dev\n", "a" * 33, "dév", "٣"],
)
def test_a_name_that_could_hold_a_separator_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="BERGLINE_ENV"):
        Environment(name)


def test_names_on_the_broker_and_in_the_catalog() -> None:
    environment = Environment("dev")
    assert environment.topic("shopify.orders") == "dev.shopify.orders"
    assert environment.group("stream_writer") == "dev.stream_writer"
    assert environment.table("raw.shopify_orders") == ("dev_raw", "shopify_orders")
    assert Environment().table("raw.shopify_orders") == ("raw", "shopify_orders")


@pytest.mark.parametrize("table", ["orders", "raw.", "raw.a.b", ""])
def test_a_table_without_namespace_and_name_is_refused(table: str) -> None:
    with pytest.raises(ValueError, match=r"namespace\.table"):
        Environment("dev").table(table)
