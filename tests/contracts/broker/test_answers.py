"""Asked the same, the embedded broker answers as Apache Kafka does, but for its declared limits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.embedded.broker.limits import LIMITS, Limit
from tests.contracts.broker import answers
from tests.contracts.broker.scenarios import SCENARIOS
from tests.support.broker import BrokerProcess

LIMITED = {key: answer_pair for limit in LIMITS for key, answer_pair in limit.answers.items()}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_answers(
    shared_broker: BrokerProcess, scenario: str, record_property: Callable[[str, object], None]
) -> None:
    found = answers.ask(shared_broker, scenario)
    for question, answer in found.items():
        record_property(question, answer)
    assert found == answers.expected(scenario, embedded=shared_broker.is_embedded)


@pytest.mark.parametrize("key", LIMITED, ids=": ".join)
def test_a_limit_names_a_question_that_kafka_answers_otherwise(key: tuple[str, str]) -> None:
    scenario, question = key
    ours, kafka_s = LIMITED[key]
    assert answers.recorded()[scenario][question] == kafka_s
    assert ours != kafka_s


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.subject)
def test_every_limit_is_shown_by_a_question_or_a_test(limit: Limit) -> None:
    if limit.tested:
        file, _, name = limit.tested.partition("::")
        assert f"def {name}(" in Path(__file__).with_name(file).read_text()
    else:
        assert limit.answers
